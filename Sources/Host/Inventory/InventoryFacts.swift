import Manifest
import ManifestFile
import ManifestRules
import PCI

extension Inventory {
    /// The machine as the hypervisor's check of a manifest sees it. What is unknown is taken to be as good as it can be:
    /// `doubts` says what that is.
    public var facts: MachineFacts {
        let set = cores.reduce(CoreSet()) { $0.union(CoreSet(core: $1.index)) }
        var facts = MachineFacts(cores: set, installedMemory: memory.installedBytes)
        for core in cores where 0..<64 ~= core.index {
            let siblings = cores.filter { $0.package == core.package && $0.core == core.core }
            let lowest = siblings.map(\.index).min() ?? core.index
            facts.siblings[core.index] = UInt8(clamping: max(0, lowest))
        }
        for range in memory.ranges {
            let found = MemoryRange(
                base: max(range.base, 1 << 20), end: MemoryRange(base: range.base, size: range.sizeBytes).end)
            facts.free.add(found)
        }
        if memory.ranges.isEmpty { facts.free.add(MemoryRange(base: 1 << 20, size: memory.installedBytes)) }
        facts.usableIOMMU = usableIommu
        facts.trust = TrustAnchors()
        if secureBoot != false { facts.trust.insert(.secureBoot) }
        if tpm != false { facts.trust.insert(.tpm) }
        describeResources(in: &facts)
        for function in functions {
            if let found = function.facts { facts.functions.append(found) }
        }
        return facts
    }

    /// Why this machine refuses a valid manifest, in the words of the boot; nil when it does not.
    public func refusal(of manifest: Manifest) -> String? {
        let facts = facts
        do throws(ManifestError) { try manifest.check(against: facts) } catch {
            return error.sentence(manifest, on: facts)
        }
        // As the boot says it (`PlannedMachine`).
        let isIntel = processor?.contains("Intel") == true || iommus.contains { $0.kind == "vt-d" }
        if isIntel, manifest.partitionList.contains(where: { $0.watch.response != .off }) {
            return "the watch over kernels is not there for Intel's processors yet"
        }
        for spec in manifest.partitionList {
            for device in spec.devices.list {
                if let problem = functions.first(where: { $0.address == device.address.text })?.problem {
                    return
                        "function \(device.address.text) of partition \"\(spec.name.string)\" cannot be owned: \(problem)"
                }
            }
        }
        return nil
    }

    /// What this inventory does not tell about these functions and the hypervisor will find out at boot.
    public func doubts(about addresses: [String], of manifest: Manifest? = nil) -> [String] {
        var doubts = coreNotes
        let owned = functions.filter { addresses.contains($0.address) }
        let ungrouped = owned.filter { $0.group == nil && $0.physicalFunction == nil }.map(\.address)
        if !ungrouped.isEmpty {
            doubts.append(
                "isolation groups of \(ungrouped.joined(separator: ", ")) are not known: run `bulkhead inventory` as root, "
                    + "or with the IOMMU switched on")
        }
        if owned.contains(where: { $0.reserved == nil }), source == "linux" {
            doubts.append("whether the firmware goes on using a function is only known at boot")
        }
        if memory.ranges.isEmpty {
            doubts.append("where memory is free is not known: run `bulkhead inventory` as root")
        }
        if manifest?.requires.contains(.tpm) == true, tpm == nil {
            doubts.append("whether there is a TPM is not known: look where Linux shows /sys/class/tpm")
        }
        if manifest?.partitionList.contains(where: \.tpm) == true {
            doubts.append(
                "whether the TPM is one that a partition can have is not known: Documentation/manifest.md says which")
        }
        if manifest?.requires.contains(.secureBoot) == true, secureBoot == nil {
            doubts.append("whether Secure Boot is on is not known: mount efivarfs, or ask a running hypervisor")
        }
        if allocation == nil, manifest?.asksForResources == true {
            doubts.append(
                "how caches and bandwidth can be divided is not known: mount resctrl on Linux, or ask a running hypervisor"
            )
        }
        return doubts
    }
}

extension Inventory.Function {
    /// nil when an address or id is not one.
    var facts: FunctionDescription? {
        var facts = FunctionDescription()
        guard let address = FunctionAddress(address), let id = try? parseIdentifier(id) else { return nil }
        facts.address = address
        (facts.vendor, facts.device) = id
        facts.classCode = UInt32(classCode, radix: 16) ?? 0
        facts.group = (group.flatMap { FunctionAddress($0) } ?? address).requester
        facts.isBridge = bridge
        facts.isReserved = reserved ?? false
        facts.reset =
            resets.contains("function-level")
            ? .functionLevel : resets.contains("bus") ? .bus : resets.contains("power-state") ? .powerState : .none
        guard let virtual = virtualFunctions else { return facts }
        facts.virtualTotal = UInt16(clamping: virtual.total)
        facts.virtualOffset = UInt16(clamping: virtual.offset)
        facts.virtualStride = UInt16(clamping: virtual.stride)
        facts.virtualDevice = UInt16(virtual.device, radix: 16) ?? 0
        facts.virtualGroup = virtual.group.flatMap { FunctionAddress($0)?.requester }
        return facts
    }
}

extension ResetMethod {
    /// Of an inventory's `resets`.
    var words: [String] {
        switch self {
        case .none: []
        case .functionLevel: ["function-level"]
        case .powerState: ["power-state"]
        case .bus: ["bus"]
        }
    }
}
