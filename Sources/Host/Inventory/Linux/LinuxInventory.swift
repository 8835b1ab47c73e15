import Foundation
import Manifest
import ManifestFile
import Remapping
import X86

extension Inventory {
    /// What Linux says of the machine that it runs on. As root it says more: where memory is, the order of cores in the
    /// firmware's tables, isolation groups where no IOMMU is switched on.
    /// - Parameter root: the folder that has `sys` and `proc`.
    public init(linux root: String) {
        let tree = FileTree(root: root)
        let info = ProcessorInfo(tree), firmware = FirmwareFindings(tree)
        self.init(source: "linux", name: tree.text("proc/sys/kernel/hostname") ?? "")
        processor = info.model
        readCores(tree, info, firmware.interrupts)
        readMemory(tree)
        features = (0..<ProcessorFeatures.names.count).map { ProcessorFeatures.names[$0].description }
            .filter(info.flags.contains)
        allocation = Allocation(linux: tree, features, isAMD: info.vendor == "AuthenticAMD")
        readRemapping(tree, firmware)
        functions = linuxFunctions(tree, firmware)
        let check = FirmwareCheck(tree: tree)
        (secureBoot, tpm) = (check.isSecure, check.hasTPM)
    }

    private mutating func readRemapping(_ tree: FileTree, _ firmware: FirmwareFindings) {
        for name in tree.names("sys/class/iommu") {
            iommus.append(Unit(kind: name.hasPrefix("ivhd") ? "amd-vi" : "vt-d", name: name))
        }
        // There, but not switched on by Linux.
        if iommus.isEmpty {
            for (table, kind) in [("DMAR", "vt-d"), ("IVRS", "amd-vi")]
            where tree.names(FirmwareFindings.folder).contains(table) { iommus.append(Unit(kind: kind)) }
        }
        switch firmware.remapping {
        case .usable: usableIommu = true
        case .refused(let words, _): iommuProblem = words
        case .unreadable: usableIommu = !iommus.isEmpty
        }
    }

    private mutating func readCores(_ tree: FileTree, _ info: ProcessorInfo, _ table: MADT?) {
        let cpus = "sys/devices/system/cpu"
        let order = Dictionary(uniqueKeysWithValues: (table?.apicIds ?? []).enumerated().map { ($1, $0) })
        let kinds = coreKinds(tree)
        var indexOf: [Int: Int] = [:]
        let online = tree.names(cpus).compactMap { $0.hasPrefix("cpu") ? Int($0.dropFirst(3)) : nil }.sorted()
            .filter { tree.text("\(cpus)/cpu\($0)/topology/core_id") != nil }
        let isKnown = online.allSatisfy { cpu in info.apicIds[cpu].map { order[$0] != nil } ?? false }
        coreNumbers = isKnown ? "firmware" : "linux"
        for cpu in online {
            let topology = "\(cpus)/cpu\(cpu)/topology"
            let siblings = processorSet(tree.text("\(topology)/thread_siblings_list") ?? "")
            let apicId = info.apicIds[cpu]
            let index = isKnown ? apicId.flatMap { order[$0] } ?? cpu : cpu
            indexOf[cpu] = index
            var core = Core(
                index: index, package: Int(tree.text("\(topology)/physical_package_id") ?? "") ?? 0,
                core: Int(tree.text("\(topology)/core_id") ?? "") ?? cpu,
                thread: siblings.firstIndex(of: cpu) ?? 0, apicId: apicId)
            core.kind = kinds[cpu]
            cores.append(core)
        }
        offline = tree.names(cpus).compactMap { $0.hasPrefix("cpu") ? Int($0.dropFirst(3)) : nil }.sorted()
            .filter { !online.contains($0) }
        cores.sort { $0.index < $1.index }
        for cpu in online {
            for name in tree.names("\(cpus)/cpu\(cpu)/cache") where name.hasPrefix("index") {
                let cache = "\(cpus)/cpu\(cpu)/cache/\(name)"
                guard let level = tree.number("\(cache)/level"), let size = tree.text("\(cache)/size"),
                    let bytes = try? parseSize(size)
                else { continue }
                let sharing = processorSet(tree.text("\(cache)/shared_cpu_list") ?? "\(cpu)")
                let found = Cache(
                    level: Int(clamping: level), type: (tree.text("\(cache)/type") ?? "unified").lowercased(),
                    sizeBytes: bytes,
                    ways: tree.number("\(cache)/ways_of_associativity").map { Int(clamping: $0) },
                    cores: sharing.compactMap { indexOf[$0] }.sorted())
                if !caches.contains(found) { caches.append(found) }
            }
        }
        caches.sort { ($0.level, $0.type, $0.cores.first ?? 0) < ($1.level, $1.type, $1.cores.first ?? 0) }
    }

    private mutating func readMemory(_ tree: FileTree) {
        for line in (tree.text("proc/iomem") ?? "").split(separator: "\n") where line.hasSuffix(" : System RAM") {
            let ends = line.prefix { $0 != " " }.split(separator: "-").compactMap { UInt64($0, radix: 16) }
            // Who is not root is shown zeros.
            guard ends.count == 2, ends[0] < ends[1], ends[1] < Manifest.addressLimit else { continue }
            memory.ranges.append(Range(base: ends[0], sizeBytes: ends[1] - ends[0] + 1))
        }
        memory.installedBytes = memory.ranges.reduce(0) { $0 &+ $1.sizeBytes }
        if memory.installedBytes > 0 { return }
        let total = (tree.text("proc/meminfo") ?? "").split(separator: "\n").first { $0.hasPrefix("MemTotal:") }
        let kibibytes = total?.split(separator: " ").dropFirst().first.flatMap { UInt64($0) } ?? 0
        memory.installedBytes = kibibytes &* 1024
    }
}
