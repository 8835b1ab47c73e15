/// What root mode and a partition's device model have in common, in the model's memory (decisions/device-model.md). Both are
/// built from this file; the first field is known to the model's assembly. What the model writes is taken for numbers, and
/// bounded by root mode.
public struct ModelPage: BitwiseCopyable, Sendable {
    // Written by root mode, when a guest ends or before a call.
    /// Whether a hypercall is VMCALL, 1, or VMMCALL, 0.
    public let isIntel: UInt64
    /// Where the guest's memory is mapped for the model, and how many bytes of it there are; where the rings are of what comes
    /// for the guest.
    public let memory: UInt64
    public let memorySize: UInt64
    public let rings: UInt64
    public let ticksPerSecond: UInt64
    public let count: UInt64
    public let functions: [8 of ModelFunction]
    public var call = ModelCall.serve
    /// Borders of what is locked in the guest's memory, guest-physical.
    public var locked = [6 of UInt64](repeating: 0)
    /// How many bytes the console takes now, and the management link.
    public var room = [2 of UInt64](repeating: 0)

    // Written by the model.
    public var isReady: UInt64 = 0
    public var answer: UInt64 = 0
    /// Bit n: function n has a driver, a console one whose programs have printed something.
    public var live: UInt64 = 0
    /// Bit n: the other end of function n's wire is to be interrupted, or its link has changed.
    public var kicks: UInt64 = 0
    public var changes: UInt64 = 0
    /// Not 0: more can be done at once; and the console waits for its reader.
    public var hasMore: UInt64 = 0
    public var waits: UInt64 = 0
    /// Interrupts for the guest: an APIC id in the upper half, a vector in the lower.
    public var interruptCount: UInt64 = 0
    public var interrupts = [64 of UInt64](repeating: 0)
    /// Of functions that are wires.
    public var counters: [8 of WireCounters]

    public init(
        isIntel: Bool, memory: UInt64, memorySize: UInt64, rings: UInt64, ticksPerSecond: UInt64, count: Int,
        functions: [8 of ModelFunction], counters: [8 of WireCounters]
    ) {
        self.isIntel = isIntel ? 1 : 0
        (self.memory, self.memorySize, self.rings) = (memory, memorySize, rings)
        (self.ticksPerSecond, self.count) = (ticksPerSecond, UInt64(count))
        (self.functions, self.counters) = (functions, counters)
    }
}

/// Where a device model is in its own address space. Sources/Metal/Model/Entry/layout.h has the same numbers.
public enum ModelMemory {
    /// The program, whose first byte is the entry; it writes nothing there.
    public static let program: UInt64 = 0x7F00_0000_0000
    public static let programLimit: UInt64 = 0x10_0000
    /// `ModelPage`, a page of what the console sends and one of what the management link does, then the model's state and stack.
    public static let page: UInt64 = program + programLimit
    public static let output: UInt64 = page + 0x1000
    public static let state: UInt64 = page + 0x3000
    /// Of its state what wires are sealed with.
    public static let seals: UInt64 = state + 0x3000
    public static let frames = 14
    public static var end: UInt64 { page + UInt64(frames) * 4096 }
    /// Of each page of output: its count of bytes, then from byte 16 on these, so many at most.
    public static let pieceSize: UInt64 = 4080
}
