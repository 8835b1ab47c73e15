import Remapping
import Text

extension IOMMU {
    /// The machine's remapping units, while the firmware runs. Where they cannot hold partitions' functions, the reason is on
    /// the log, and they deny all DMA. Refuses units that cannot do even that; nil without any.
    static func find(_ tables: borrowing FirmwareTables) throws(Refusal) -> IOMMU? {
        let vendor: RemappingVendor = tables.dmar != 0 ? .vtd : .amdVi
        guard let topology = try topology(tables, vendor) else {
            tell("the firmware lists none")
            return nil
        }
        var common = vendor.features(topology.units[0])
        for i in 1..<topology.units.count { common = common.intersection(vendor.features(topology.units[i])) }
        if let obstacle = common.obstacle { throw Refusal("the IOMMU cannot deny DMA: ", obstacle) }
        let first = tables.ioAPICs.first { _ in true }?.id
        if let shortcoming = topology.shortcoming(firstIOAPIC: first) ?? common.shortcoming {
            tell(shortcoming)
            common.remapsInterrupts = false
        }
        let ioAPIC = common.remapsInterrupts ? first.flatMap { topology.requester(ofIOAPIC: $0) } : nil
        return IOMMU(vendor, topology, common, ioAPIC: ioAPIC)
    }

    private static func tell(_ shortcoming: StaticString) {
        BootLog.print(LogLine("bulkhead: no usable IOMMU, partitions cannot own PCI functions: ", shortcoming))
    }

    private static func topology(
        _ tables: borrowing FirmwareTables, _ vendor: RemappingVendor
    ) throws(Refusal) -> RemappingTopology? {
        let table = tables.dmar != 0 ? tables.dmar : tables.ivrs
        guard table != 0 else { return nil }
        let length = min(load(table + 4, as: UInt32.self), 1 << 16)
        // Firmware's table, mapped one-to-one and not written to any more.
        let content = unsafe Span<UInt8>(
            _unsafeElements: bytes(table, UInt64(length)).assumingMemoryBound(to: UInt8.self))
        let bus = tables.bus
        do throws(TopologyError) {
            return try vendor.parse(content) { bridge in
                // Header type 1: a bridge, with its secondary bus at 19h (PCI-to-PCI Bridge 1.2, section 3.2.5).
                bus.read(bridge, 0xE, size: 1) & 0x7F == 1
                    ? UInt8(truncatingIfNeeded: bus.read(bridge, 0x19, size: 1)) : nil
            }
        } catch {
            if error == .noUnits { return nil }
            throw Refusal("the IOMMU cannot deny DMA: ", error.rawValue.text)
        }
    }
}
