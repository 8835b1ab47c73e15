/// The SR-IOV capability that the owner of a physical function sees (PCI Express Base 6.0, section 9.3.3), at the head of the
/// extended capabilities. The hypervisor has enabled the virtual functions for those who own them and keeps them so: what the
/// guest writes stays here. The functions it then finds are placeholders without BARs, whose identifiers no driver knows.
struct GuestVirtualFunctions: Sendable {
    /// Device and function number of the first placeholder; meaningless without `count`.
    let first: Int
    let count: Int
    /// From the physical function's number to `first`.
    private let distance: UInt32
    private var control: UInt32 = 0
    private var enabled: UInt32 = 0

    /// VF Enable and VF Memory Space Enable.
    private static let writable: UInt32 = 1 << 0 | 1 << 3

    init(first: Int = 0, count: Int = 0, physical: Int = 0) {
        (self.first, self.count) = (first, count)
        distance = UInt32(truncatingIfNeeded: first &- physical)
    }

    /// As when a guest starts.
    mutating func reset() {
        control = 0
        enabled = 0
    }

    /// The double word at `relative` from 100h.
    func read(_ relative: Int) -> UInt32 {
        guard count > 0 else { return 0 }
        let number = UInt32(truncatingIfNeeded: count)
        switch relative {
        case 0x00: return 0x0001_0010
        case 0x08: return control
        case 0x0C: return number << 16 | number  // initial and total
        case 0x10: return enabled  // and 0, the function on which it depends
        case 0x14: return 1 << 16 | distance  // stride and offset
        case 0x18: return 0xFFFF_0000  // device identifier
        case 0x1C, 0x20: return 1  // pages of 4 KiB
        default: return 0
        }
    }

    mutating func write(_ relative: Int, _ value: UInt32, mask: UInt32) {
        guard count > 0 else { return }
        switch relative {
        case 0x08: control = (control & ~mask | value & mask) & Self.writable
        // The number cannot be changed while they are enabled.
        case 0x10 where control & 1 == 0: enabled = (enabled & ~mask | value & mask) & 0xFFFF
        default: return
        }
    }

    /// Whether there is a placeholder at a device and function number.
    func has(_ number: Int) -> Bool {
        guard control & 1 != 0, number >= first else { return false }
        return number - first < min(count, Int(enabled))
    }
}
