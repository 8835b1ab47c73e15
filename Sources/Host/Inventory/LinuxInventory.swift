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
        let info = ProcessorInfo(tree)
        self.init(source: "linux", name: tree.text("proc/sys/kernel/hostname") ?? "")
        processor = info.model
        readCores(tree, info)
        readMemory(tree)
        features = (0..<ProcessorFeatures.names.count).map { ProcessorFeatures.names[$0].description }
            .filter(info.flags.contains)
        for name in tree.names("sys/class/iommu") {
            iommus.append(Unit(kind: name.hasPrefix("ivhd") ? "amd-vi" : "vt-d", name: name))
        }
        // There, but not switched on by Linux.
        if iommus.isEmpty {
            for (table, kind) in [("DMAR", "vt-d"), ("IVRS", "amd-vi")]
            where tree.names("sys/firmware/acpi/tables").contains(table) { iommus.append(Unit(kind: kind)) }
        }
        usableIommu = !iommus.isEmpty
        functions = linuxFunctions(tree)
    }

    private mutating func readCores(_ tree: FileTree, _ info: ProcessorInfo) {
        let cpus = "sys/devices/system/cpu"
        let order = apicOrder(tree)
        var indexOf: [Int: Int] = [:]
        let online = tree.names(cpus).compactMap { $0.hasPrefix("cpu") ? Int($0.dropFirst(3)) : nil }.sorted()
            .filter { tree.text("\(cpus)/cpu\($0)/topology/core_id") != nil }
        let isKnown = online.allSatisfy { cpu in info.apicIds[cpu].map { order[$0] != nil } ?? false }
        for (position, cpu) in online.enumerated() {
            let topology = "\(cpus)/cpu\(cpu)/topology"
            let siblings = processorSet(tree.text("\(topology)/thread_siblings_list") ?? "")
            let apicId = info.apicIds[cpu]
            let index = isKnown ? apicId.flatMap { order[$0] } ?? position : position
            indexOf[cpu] = index
            cores.append(
                Core(
                    index: index, package: Int(tree.text("\(topology)/physical_package_id") ?? "") ?? 0,
                    core: Int(tree.text("\(topology)/core_id") ?? "") ?? cpu,
                    thread: siblings.firstIndex(of: cpu) ?? 0, apicId: apicId))
        }
        cores.sort { $0.index < $1.index }
        for cpu in online {
            for name in tree.names("\(cpus)/cpu\(cpu)/cache") where name.hasPrefix("index") {
                let cache = "\(cpus)/cpu\(cpu)/cache/\(name)"
                guard let level = tree.number("\(cache)/level"), let size = tree.text("\(cache)/size"),
                    let bytes = try? parseSize(size)
                else { continue }
                let sharing = processorSet(tree.text("\(cache)/shared_cpu_list") ?? "\(cpu)")
                let found = Cache(
                    level: Int(level), type: (tree.text("\(cache)/type") ?? "unified").lowercased(), sizeBytes: bytes,
                    ways: tree.number("\(cache)/ways_of_associativity").map { Int($0) },
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

    /// The index of each enabled APIC id in the firmware's table, which only root may read: a manifest's numbers.
    private func apicOrder(_ tree: FileTree) -> [UInt32: Int] {
        guard let table = tree.bytes("sys/firmware/acpi/tables/APIC") else { return [:] }
        var order: [UInt32: Int] = [:]
        var at = 44
        while at + 2 <= table.count, table[at + 1] >= 2, at + Int(table[at + 1]) <= table.count {
            let entry = Array(table[at..<at + Int(table[at + 1])])
            at += entry.count
            func word(_ offset: Int) -> UInt32 {
                (0..<4).reduce(0) { $0 | UInt32(entry[offset + $1]) << UInt32(8 * $1) }
            }
            let id: UInt32
            switch (entry[0], entry.count) {
            case (0, 8) where word(4) & 1 != 0: id = UInt32(entry[3])
            case (9, 16) where word(8) & 1 != 0: id = word(4)
            default: continue
            }
            if order[id] == nil { order[id] = order.count }
        }
        return order
    }
}

/// What `/proc/cpuinfo` says.
private struct ProcessorInfo {
    var model: String?
    var flags: Set<String> = []
    var apicIds: [Int: UInt32] = [:]

    init(_ tree: FileTree) {
        var cpu: Int?
        for line in (tree.text("proc/cpuinfo") ?? "").split(separator: "\n") {
            let parts = line.split(separator: ":", maxSplits: 1)
            guard parts.count == 2 else { continue }
            let value = parts[1].trimmingCharacters(in: .whitespaces)
            switch parts[0].trimmingCharacters(in: .whitespaces) {
            case "processor": cpu = Int(value)
            case "model name": model = model ?? value
            case "flags" where flags.isEmpty: flags = Set(value.split(separator: " ").map(String.init))
            case "apicid": if let cpu { apicIds[cpu] = UInt32(value) }
            default: break
            }
        }
    }
}
