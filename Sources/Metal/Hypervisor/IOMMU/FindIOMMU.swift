import Remapping
import Silicon

extension IOMMU {
    /// The machine's remapping units, while the firmware runs; nil, with the reason on the log, when the machine has none
    /// that can hold partitions' functions.
    static func find(_ tables: borrowing FirmwareTables) -> IOMMU? {
        do throws(Refusal) { return try IOMMU(tables) } catch {
            var line = LogLine("bulkhead: no usable IOMMU, partitions cannot own PCI functions: ")
            error.describe(to: &line)
            SerialPort.log.print(line)
            return nil
        }
    }

    private init(_ tables: borrowing FirmwareTables) throws(Refusal) {
        let vendor: RemappingVendor = tables.dmar != 0 ? .vtd : .amdVi
        let topology = try Self.topology(tables, vendor)
        guard tables.ioAPICCount > 0, let ioAPIC = topology.requester(ofIOAPIC: tables.ioAPICIDs[0]) else {
            throw Refusal("its table does not say by which id the I/O APIC sends interrupts")
        }
        var common = vendor.features(topology.units[0])
        for i in 1..<topology.unitCount { common = common.intersection(vendor.features(topology.units[i])) }
        if let shortcoming = common.shortcoming { throw Refusal(shortcoming) }
        if topology.forbidsX2APIC { throw Refusal("the firmware forbids x2APIC beside it") }
        self.init(vendor, topology, common, ioAPIC: ioAPIC)
    }

    private static func topology(
        _ tables: borrowing FirmwareTables, _ vendor: RemappingVendor
    ) throws(Refusal) -> RemappingTopology {
        let table = tables.dmar != 0 ? tables.dmar : tables.ivrs
        guard table != 0 else { throw Refusal("the firmware lists none") }
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
            switch error {
            case .malformed: throw Refusal("its table is malformed")
            case .tooMany: throw Refusal("its table lists more than there is room for")
            case .segment: throw Refusal("its table lists units outside PCI segment 0")
            case .noUnits: throw Refusal("its table lists no units")
            }
        }
    }
}
