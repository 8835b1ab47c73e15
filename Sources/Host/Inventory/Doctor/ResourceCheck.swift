import Manifest
import ManifestFile

/// What a machine has for partitions: processors, memory, IOMMU, PCI functions.
struct ResourceCheck {
    let inventory: Inventory

    var requirements: [Requirement] { [processors, threads, memory, iommu] + functions }

    private var processors: Requirement {
        let cores = inventory.cores, count = cores.count + (inventory.offline?.count ?? 0)
        guard !cores.isEmpty else {
            return Requirement(
                "processors", .unmet, "neither ACPI tables nor MP Services of the firmware list processors")
        }
        let limit = CoreSet(rawValue: .max).count
        if count > limit {
            return Requirement(
                "processors", .limited, "\(count), of which the hypervisor uses the first \(limit)",
                advice: "switch off threads (SMT, Hyper-Threading) in the firmware's set-up, if they fill the list")
        }
        let kinds = Dictionary(grouping: cores) { $0.kind ?? "" }.mapValues(\.count)
        let mixed = kinds["performance"].map { performance in
            ": \(performance) performance, \(kinds["efficiency"] ?? 0) efficiency"
        }
        let offline = inventory.offline.flatMap { $0.isEmpty ? nil : ", \($0.count) of them switched off by Linux" }
        if inventory.coreNumbers == "linux" {
            return Requirement(
                "processors", .unknown, "\(count)\(mixed ?? "")\(offline ?? ""): numbered as Linux does",
                advice:
                    "run as root: manifests number cores in the order of the firmware's table, which only root may read"
            )
        }
        return Requirement("processors", .met, "\(count)\(mixed ?? "")\(offline ?? "")")
    }

    private var threads: Requirement {
        let cores = Dictionary(grouping: inventory.cores) { [$0.package, $0.core] }
        let most = cores.values.map(\.count).max() ?? 1
        guard most > 1 else { return Requirement("threads (SMT)", .met, "one a core") }
        return Requirement(
            "threads (SMT)", .limited, "\(most) a core: they share caches, and belong to one partition together",
            advice: "switch SMT (Hyper-Threading) off in the firmware's set-up where timing counts")
    }

    private var memory: Requirement {
        let size = about(inventory.memory.installedBytes)
        guard !inventory.memory.ranges.isEmpty else {
            return Requirement(
                "memory", .unknown, "\(size): where it is free is not known", advice: "run as root")
        }
        let free = inventory.facts.free
        let largest =
            (0..<free.count).map { (index) -> UInt64 in
                var one = FreeMemory()
                one.add(free.ranges[index])
                return one.usableBytes
            }.max() ?? 0
        guard largest > 0 else { return Requirement("memory", .unmet, "\(size), and no free piece of 2 MiB") }
        return Requirement("memory", .met, "\(size), the largest piece \(about(largest))")
    }

    /// In GiB, to a tenth.
    private func about(_ bytes: UInt64) -> String {
        // Of whole MiB: no number of bytes is too large for that.
        let tenths = ((bytes >> 20) * 10 + 512) >> 10
        return "\(tenths / 10).\(tenths % 10) GiB"
    }

    private var iommu: Requirement {
        let setting =
            inventory.processor?.contains("AMD") == true
            ? "\"IOMMU\" (\"AMD-Vi\")" : "\"VT-d\" (\"Intel VT for Directed I/O\") and its interrupt remapping"
        let consequence = "no usable IOMMU, partitions cannot own PCI functions"
        if let problem = inventory.iommuProblem {
            let advice =
                problem == "the firmware lists none"
                ? "switch on \(setting) in the firmware's set-up"
                : problem.contains("x2APIC")
                    ? "switch off \"X2APIC Opt Out\" in the firmware's set-up, if it has it"
                    : "look for a newer firmware of this machine"
            if problem.hasPrefix(FirmwareFindings.cannotDeny) {
                return Requirement(
                    "IOMMU", .unmet, problem, advice: advice + ", or switch off \(setting) in its set-up")
            }
            return Requirement("IOMMU", .limited, "\(consequence): \(problem)", advice: advice)
        }
        guard inventory.usableIommu else { return Requirement("IOMMU", .limited, consequence) }
        let kinds = Set(inventory.iommus.map(\.kind)).sorted().joined(separator: ", ")
        // Its table says what the rest cannot.
        if inventory.source == "linux", inventory.coreNumbers != "firmware" {
            return Requirement(
                "IOMMU", .unknown, "\(kinds): its table can be read by root alone", advice: "run as root")
        }
        return Requirement(
            "IOMMU", .met, "\(kinds), \(inventory.iommus.count) unit\(inventory.iommus.count == 1 ? "" : "s")")
    }

    private var functions: [Requirement] {
        let all = inventory.functions.filter { !$0.isOfTheMachine }
        guard !all.isEmpty, inventory.usableIommu else { return [] }
        let refused = all.filter { $0.obstacle != nil }
        let found = "\(all.count - refused.count) of \(all.count) can be owned"
        guard !refused.isEmpty else { return [Requirement("PCI functions", .met, found)] }
        let causes = Dictionary(grouping: refused) { $0.obstacle ?? "" }.sorted {
            $0.value[0].address < $1.value[0].address
        }
        let words = causes.map { "\($0.value.map(\.address).joined(separator: ", ")): \($0.key)" }
        return [Requirement("PCI functions", .limited, ([found] + words).joined(separator: "; "))]
    }
}

extension Inventory.Function {
    /// Whether the machine itself depends on it; see `FunctionDescription.isOfTheMachine`.
    var isOfTheMachine: Bool { facts?.isOfTheMachine ?? true }

    /// Why no partition can own it.
    public var obstacle: String? {
        if let problem { return problem }
        if reserved == true { return "the firmware goes on using it for its own purposes" }
        return nil
    }
}
