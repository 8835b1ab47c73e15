import Remapping
import Silicon

/// A unit's registers in memory.
struct UnitRegisters: RegisterFile {
    let base: UInt64
    func read32(_ offset: Int) -> UInt32 { mmio_read32(base + UInt64(offset)) }
    func read64(_ offset: Int) -> UInt64 { mmio_read64(base + UInt64(offset)) }
    func write32(_ offset: Int, _ value: UInt32) { mmio_write32(base + UInt64(offset), value) }
    func write64(_ offset: Int, _ value: UInt64) { mmio_write64(base + UInt64(offset), value) }
    func writeBack(_ address: UInt64, _ bytes: UInt64) { cpu_write_back(address, bytes) }
}

/// A unit of either vendor.
enum MachineUnit: RemappingUnit {
    case vtd(VTDUnit<UnitRegisters>)
    case amdVi(AMDViUnit<UnitRegisters>)

    func enable() throws(RemappingError) {
        switch self {
        case .vtd(let unit): try unit.enable()
        case .amdVi(let unit): try unit.enable()
        }
    }

    func invalidate() throws(RemappingError) {
        switch self {
        case .vtd(let unit): try unit.invalidate()
        case .amdVi(let unit): try unit.invalidate()
        }
    }

    func disable() throws(RemappingError) {
        switch self {
        case .vtd(let unit): try unit.disable()
        case .amdVi(let unit): try unit.disable()
        }
    }

    func report(to message: InterruptMessage) {
        switch self {
        case .vtd(let unit): unit.report(to: message)
        case .amdVi(let unit): unit.report(to: message)
        }
    }

    func setReporting(_ isOn: Bool) {
        switch self {
        case .vtd(let unit): unit.setReporting(isOn)
        case .amdVi(let unit): unit.setReporting(isOn)
        }
    }

    func nextFault(lost: inout UInt64) -> DeviceFault? {
        switch self {
        case .vtd(let unit): unit.nextFault(lost: &lost)
        case .amdVi(let unit): unit.nextFault(lost: &lost)
        }
    }
}
