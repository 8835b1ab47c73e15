/// KVM's paravirtual clock (Linux Documentation/virt/kvm/x86/msr.rst): two structures in guest memory that say how the
/// time-stamp counter turns into time. Since the counter neither stops nor changes its rate, each is written once, when
/// the guest registers it, and reading the clock never exits. One value a vCPU.
public struct KVMClock: Sendable {
    /// What the guest wrote to the two registers last.
    public private(set) var wallClock: UInt64 = 0
    public private(set) var systemTime: UInt64 = 0
    private let bootTime: UInt64
    private let bootTSC: UInt64
    /// Nanoseconds = (ticks shifted left by `shift`) * `multiplier` / 2^32.
    public let multiplier: UInt32
    public let shift: Int8

    public init(_ platform: borrowing PlatformDescription) {
        bootTime = platform.bootTime
        bootTSC = platform.bootTSC
        (multiplier, shift) = Self.scale(platform.tscKHz)
    }

    /// The largest multiplier below 2^32 for a frequency, with its shift; the error is below 2^-31.
    static func scale(_ tscKHz: UInt32) -> (multiplier: UInt32, shift: Int8) {
        let frequency = UInt64(max(tscKHz, 1))
        // 10^6 << 44 is below 2^64, and a frequency below 2^32 kHz needs no more.
        var fraction = 44
        while fraction > 0, (1_000_000 << UInt64(fraction)) / frequency > UInt64(UInt32.max) { fraction -= 1 }
        return (UInt32((1_000_000 << UInt64(fraction)) / frequency), Int8(32 - fraction))
    }

    /// A write to the wall clock's register: `value` is where the guest wants the structure, 4-byte aligned.
    /// - Returns: false when the register faults (#GP).
    public mutating func writeWallClock(_ value: UInt64, _ memory: borrowing GuestMemory) -> Bool {
        guard value & 3 == 0, memory.offset(of: value, count: 12) != nil else { return false }
        // struct pvclock_wall_clock: an odd version means "being written".
        memory.store(1 as UInt32, at: value)
        memory.store(UInt32(truncatingIfNeeded: bootTime), at: value + 4)
        memory.store(0 as UInt32, at: value + 8)
        memory.store(2 as UInt32, at: value)
        wallClock = value
        return true
    }

    /// A write to the system time's register: bit 0 turns the clock on, the rest says where, 4-byte aligned.
    /// - Returns: false when the register faults (#GP).
    public mutating func writeSystemTime(_ value: UInt64, _ memory: borrowing GuestMemory) -> Bool {
        guard value & 1 == 1 else {
            systemTime = value
            return true
        }
        let at = value & ~1
        guard at & 3 == 0, memory.offset(of: at, count: 32) != nil else { return false }
        // struct pvclock_vcpu_time_info.
        memory.store(1 as UInt64, at: at)
        memory.store(bootTSC, at: at + 8)
        memory.store(0 as UInt64, at: at + 16)  // nanoseconds at that moment
        let stable: UInt64 = 1 << 40  // TSC_STABLE: all vCPUs agree
        memory.store(UInt64(multiplier) | UInt64(UInt8(bitPattern: shift)) << 32 | stable, at: at + 24)
        memory.store(2 as UInt32, at: at)
        systemTime = value
        return true
    }
}
