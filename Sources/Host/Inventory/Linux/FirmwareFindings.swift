import Foundation
import ManifestFile
import Remapping

/// What the firmware's tables say, as Linux shows them to root: read with the hypervisor's own parsers.
struct FirmwareFindings {
    static let folder = "sys/firmware/acpi/tables"
    /// How the boot's refusal begins: everything else leaves a machine whose partitions own no functions.
    static let cannotDeny = "the IOMMU cannot deny DMA: "

    /// What the hypervisor finds of IOMMUs.
    enum Remapping {
        case usable(RemappingTopology)
        /// Not usable, for the reason that the boot's line gives.
        case refused(String, RemappingTopology?)
        /// Tables that only root may read.
        case unreadable

        var topology: RemappingTopology? {
            switch self {
            case .usable(let topology): topology
            case .refused(_, let topology): topology
            case .unreadable: nil
            }
        }
    }

    let interrupts: MADT?
    let remapping: Remapping
    /// The table of memory-mapped configuration space; empty without one.
    let mcfg: [UInt8]
    /// The highest segment that it lists.
    let lastSegment: UInt16

    init(_ tree: FileTree) {
        let names = tree.names(Self.folder)
        func table(_ name: String) -> [UInt8]? {
            tree.bytes("\(Self.folder)/\(name)").flatMap { $0.isEmpty ? nil : $0 }
        }
        let madt = table("APIC").flatMap { MADT($0) }
        interrupts = madt
        mcfg = table("MCFG") ?? []
        lastSegment = Self.segments(mcfg).max() ?? 0
        guard let name = ["DMAR", "IVRS"].first(where: names.contains) else {
            // Who lists no tables at all lists no IOMMU's either.
            remapping =
                names.isEmpty && !tree.names("sys/class/iommu").isEmpty
                ? .unreadable : .refused("the firmware lists none", nil)
            return
        }
        guard let content = table(name) else {
            remapping = .unreadable
            return
        }
        do throws(TopologyError) {
            let topology = try Self.topology(name, content, tree)
            if let refusal = Self.shortcoming(topology, madt, tree, name) {
                remapping = .refused(refusal, topology)
            } else {
                remapping = .usable(topology)
            }
        } catch { remapping = .refused(error.words, nil) }
    }

    /// Of each entry (PCI Firmware 3.3, section 4.1.2).
    private static func segments(_ table: [UInt8]) -> [UInt16] {
        stride(from: 44, to: table.count - 15, by: 16).map { UInt16(table[$0 + 8]) | UInt16(table[$0 + 9]) << 8 }
    }

    private static func topology(
        _ name: String, _ content: [UInt8], _ tree: FileTree
    ) throws(TopologyError) -> RemappingTopology {
        if name == "IVRS" { return try IVRS.parse(content.span) }
        return try DMAR.parse(content.span) { bridge in
            let header = tree.bytes("\(functionFolder)/0000:\(text(bridge))/config") ?? []
            return header.count > 0x19 && header[0xE] & 0x7F == 1 ? header[0x19] : nil
        }
    }

    /// The boot's checks in the boot's order, in its words.
    private static func shortcoming(
        _ topology: RemappingTopology, _ madt: MADT?, _ tree: FileTree, _ name: String
    ) -> String? {
        if let madt, let shortcoming = topology.shortcoming(firstIOAPIC: madt.ioAPICs.first) {
            return "\(shortcoming)"
        }
        // Linux shows what its units can do only where it has switched them on.
        let all = units(tree)
        if let first = all.first {
            let common = all.dropFirst().reduce(first) { $0.intersection($1) }
            if let obstacle = common.obstacle { return "\(cannotDeny)\(obstacle)" }
            if let shortcoming = common.shortcoming { return "\(shortcoming)" }
        }
        return nil
    }

    private static func units(_ tree: FileTree) -> [RemappingFeatures] {
        tree.names("sys/class/iommu").compactMap { name in
            let folder = "sys/class/iommu/\(name)"
            if let capability = tree.hexadecimal("\(folder)/intel-iommu/cap"),
                let extended = tree.hexadecimal("\(folder)/intel-iommu/ecap")
            {
                return RemappingFeatures(vtd: capability, extended)
            }
            // `features`, or since Linux 5.18 `features2:features`.
            let parts = (tree.text("\(folder)/amd-iommu/features") ?? "").split(separator: ":")
            guard let last = parts.last, let features = UInt64(last, radix: 16) else { return nil }
            let second = parts.count == 2 ? UInt64(parts[0], radix: 16) ?? 0 : 0
            return RemappingFeatures(amdVi: features, second)
        }
    }
}

extension TopologyError {
    /// As the boot says it.
    var words: String {
        switch self {
        case .malformed: "the IOMMU cannot deny DMA: its table is malformed"
        case .tooMany: "the IOMMU cannot deny DMA: its table lists more than there is room for"
        case .noUnits: "the firmware lists none"
        }
    }
}

/// The firmware's table of interrupt controllers (ACPI 6.5, section 5.2.12).
struct MADT {
    /// Enabled processors, in the table's order: a manifest's numbers.
    private(set) var apicIds: [UInt32] = []
    /// I/O APICs' ids, in the table's order.
    private(set) var ioAPICs: [UInt8] = []
    /// Physical addresses of their registers.
    private(set) var ioAPICAddresses: [UInt64] = []

    /// nil when the table is cut short.
    init?(_ table: [UInt8]) {
        guard table.count >= 44 else { return nil }
        var at = 44
        while at + 2 <= table.count, table[at + 1] >= 2, at + Int(table[at + 1]) <= table.count {
            let entry = Array(table[at..<at + Int(table[at + 1])])
            at += entry.count
            func word(_ offset: Int) -> UInt32 {
                (0..<4).reduce(0) { $0 | UInt32(entry[offset + $1]) << UInt32(8 * $1) }
            }
            switch (entry[0], entry.count) {
            case (0, 8...) where word(4) & 1 != 0: add(UInt32(entry[3]))
            case (9, 16...) where word(8) & 1 != 0: add(word(4))
            case (1, 12...):
                ioAPICs.append(entry[2])
                ioAPICAddresses.append(UInt64(word(4)))
            default: break
            }
        }
    }

    /// No more than ids of eight bits and as many again tell apart: a table may be as long as its file.
    private mutating func add(_ id: UInt32) { if apicIds.count < 4096, !apicIds.contains(id) { apicIds.append(id) } }
}
