import Remapping
import Silicon
import X86

/// A unit's registers in memory.
struct UnitRegisters: RegisterFile {
    let base: UInt64
    func read32(_ offset: Int) -> UInt32 { mmio_read32(base + UInt64(offset)) }
    func read64(_ offset: Int) -> UInt64 { mmio_read64(base + UInt64(offset)) }
    func write32(_ offset: Int, _ value: UInt32) { mmio_write32(base + UInt64(offset), value) }
    func write64(_ offset: Int, _ value: UInt64) { mmio_write64(base + UInt64(offset), value) }
    func writeBack(_ address: UInt64, _ bytes: UInt64) { cpu_write_back(address, bytes) }
}

extension RemappingHardware where Registers == UnitRegisters {
    init(_ unit: RemappingUnitDescription, _ memory: RemappingMemory = RemappingMemory()) {
        self.init(unit, UnitRegisters(base: unit.registers), memory)
    }
}

/// The vendor of a machine's remapping units. Here it is asked for at run time, and once where the tables are made
/// (`prepareRemapping`); what lies behind each case is specialised at compile time.
enum RemappingVendor: UInt8 {
    // The raw values are those of `InventoryItem.Kind.iommu`.
    case vtd = 1
    case amdVi = 2

    typealias Intel = VTD<UnitRegisters>
    typealias AMD = AMDVi<UnitRegisters>

    func parse(
        _ table: Span<UInt8>, secondaryBus: (UInt16) -> UInt8?
    ) throws(TopologyError) -> RemappingTopology {
        switch self {
        case .vtd: try DMAR.parse(table, secondaryBus: secondaryBus)
        case .amdVi: try IVRS.parse(table)
        }
    }

    func features(_ unit: RemappingUnitDescription) -> RemappingFeatures {
        switch self {
        case .vtd: Intel(unit).features
        case .amdVi: AMD(unit).features
        }
    }

    func perform(
        _ command: UnitCommand, _ unit: RemappingUnitDescription, _ memory: RemappingMemory = RemappingMemory()
    ) throws(RemappingError) {
        switch self {
        case .vtd: try Intel(unit, memory).perform(command)
        case .amdVi: try AMD(unit, memory).perform(command)
        }
    }

    func nextFault(_ unit: RemappingUnitDescription, lost: inout UInt64) -> DeviceFault? {
        switch self {
        case .vtd: Intel(unit).nextFault(lost: &lost)
        case .amdVi: AMD(unit).nextFault(lost: &lost)
        }
    }
}
