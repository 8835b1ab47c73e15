import PCI
import Silicon

/// The machine's own configuration space: in memory where the firmware says so, else by the ports (PCI Local Bus 3.0,
/// section 3.2.2.3.2). The ports are for the boot core alone.
struct MachineBus: ConfigurationSpace, RegisterAccess {
    /// 0: the ports.
    let ecam: UInt64
    let lastBus: UInt8

    func page(of function: UInt16) -> UInt64 { ecam + UInt64(function) << 12 }

    func read(_ function: UInt16, _ offset: Int, size: Int) -> UInt32 {
        if ecam != 0 {
            guard function >> 8 <= UInt16(lastBus) else { return .max }
            return UInt32(truncatingIfNeeded: readRegister(page(of: function) + UInt64(offset), size: size))
        }
        guard select(function, offset) else { return .max }
        return cpu_in32(0xCFC) >> (UInt32(offset & 3) * 8) & .max >> UInt32(32 - size * 8)
    }

    func write(_ function: UInt16, _ offset: Int, size: Int, _ value: UInt32) {
        if ecam != 0 {
            guard function >> 8 <= UInt16(lastBus) else { return }
            return writeRegister(page(of: function) + UInt64(offset), size: size, UInt64(value))
        }
        guard select(function, offset) else { return }
        let port = UInt16(0xCFC + offset & 3)
        switch size {
        case 1: cpu_out8(port, UInt8(truncatingIfNeeded: value))
        case 2: cpu_out16(port, UInt16(truncatingIfNeeded: value))
        default: cpu_out32(port, value)
        }
    }

    private func select(_ function: UInt16, _ offset: Int) -> Bool {
        guard offset < 256 else { return false }
        cpu_out32(0xCF8, 1 << 31 | UInt32(function) << 8 | UInt32(offset & 0xFC))
        return true
    }
}

extension FirmwareTables {
    var bus: MachineBus { MachineBus(ecam: ecam, lastBus: lastBus) }
}

/// A register in memory is 1, 2, 4 or 8 bytes wide.
extension RegisterAccess {
    func readRegister(_ address: UInt64, size: Int) -> UInt64 {
        switch size {
        case 1: UInt64(mmio_read8(address))
        case 2: UInt64(mmio_read16(address))
        case 4: UInt64(mmio_read32(address))
        default: mmio_read64(address)
        }
    }

    func writeRegister(_ address: UInt64, size: Int, _ value: UInt64) {
        switch size {
        case 1: mmio_write8(address, UInt8(truncatingIfNeeded: value))
        case 2: mmio_write16(address, UInt16(truncatingIfNeeded: value))
        case 4: mmio_write32(address, UInt32(truncatingIfNeeded: value))
        default: mmio_write64(address, value)
        }
    }
}
