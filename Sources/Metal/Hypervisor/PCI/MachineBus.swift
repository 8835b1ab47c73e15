import PCI
import Silicon

/// The machine's own configuration space: in memory where the firmware says so, else by the ports (PCI Local Bus 3.0,
/// section 3.2.2.3.2). The ports are for the boot core alone.
struct MachineBus: ConfigurationSpace {
    /// 0: the ports.
    let ecam: UInt64
    let lastBus: UInt8

    func page(of function: UInt16) -> UInt64 { ecam + UInt64(function) << 12 }

    func read(_ function: UInt16, _ offset: Int, size: Int) -> UInt32 {
        guard UInt8(truncatingIfNeeded: function >> 8) <= lastBus || ecam == 0 else { return .max }
        if ecam == 0 {
            guard select(function, offset) else { return .max }
            let port = UInt16(0xCFC + offset & 3)
            return switch size {
            case 1: UInt32(cpu_in8(port))
            case 2: UInt32(cpu_in16(port))
            default: cpu_in32(port)
            }
        }
        let at = page(of: function) + UInt64(offset)
        return switch size {
        case 1: UInt32(mmio_read8(at))
        case 2: UInt32(mmio_read16(at))
        default: mmio_read32(at)
        }
    }

    func write(_ function: UInt16, _ offset: Int, size: Int, _ value: UInt32) {
        guard UInt8(truncatingIfNeeded: function >> 8) <= lastBus || ecam == 0 else { return }
        if ecam == 0 {
            guard select(function, offset) else { return }
            let port = UInt16(0xCFC + offset & 3)
            switch size {
            case 1: cpu_out8(port, UInt8(truncatingIfNeeded: value))
            case 2: cpu_out16(port, UInt16(truncatingIfNeeded: value))
            default: cpu_out32(port, value)
            }
            return
        }
        let at = page(of: function) + UInt64(offset)
        switch size {
        case 1: mmio_write8(at, UInt8(truncatingIfNeeded: value))
        case 2: mmio_write16(at, UInt16(truncatingIfNeeded: value))
        default: mmio_write32(at, value)
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
