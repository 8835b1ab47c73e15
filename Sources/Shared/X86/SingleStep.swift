/// One instruction of a guest that is let run by itself, under the trap flag and in an interrupt shadow: nothing comes between,
/// and the shadow of a MOV SS behind a shadow holds the trap back no more.
public struct SingleStep: Sendable {
    public enum Kind: UInt8, Sendable {
        case none
        /// It accesses memory that nobody claims, or that the hypervisor answers for.
        case access
        /// No instruction but the delivery of an event, which would save the trap flag.
        case delivery
        case shadow
        /// An IRET, which loads the flags.
        case interruptReturn
        /// It changes what the watch guards.
        case guarded
    }

    public private(set) var kind: Kind
    /// Whether its trap has come, whether that was behind an access, and whether nothing of the guest's own came with it.
    public private(set) var hasTrapped = false
    public private(set) var hasAccessed = false
    public private(set) var isDone = false
    private var flags: UInt64
    private var dr6: UInt64

    public init(_ kind: Kind = .none, rflags: UInt64 = 0, dr6: UInt64 = 0) {
        (self.kind, flags, self.dr6) = (kind, rflags & RFLAGS.trap, dr6)
    }

    @inline(__always)
    public var isActive: Bool { kind != .none }
    /// Of the causes of the #DB that has ended it, as in DR6, those that are the guest's own.
    public func own(_ causes: UInt64) -> UInt64 {
        causes & (flags == 0 && hasTrapped ? DR6.breakpoints : DR6.breakpoints | DR6.singleStep)
    }

    /// Whatever ended the step, the guest's own flags come back.
    /// - Parameters:
    ///   - causes: those of the #DB that ended it; 0 where something else did.
    ///   - rflags, dr6: what the guest has of them.
    public mutating func end(causes: UInt64, rflags: inout UInt64, dr6: inout UInt64) {
        let ended = kind
        kind = .none
        if ended == .delivery { return }
        hasTrapped = causes & DR6.singleStep != 0
        hasAccessed = hasTrapped && ended == .access
        if ended != .interruptReturn || !hasTrapped { rflags = rflags & ~RFLAGS.trap | flags }
        let own = own(causes)
        // What ends the step of a guarded instruction otherwise is never answered at once.
        isDone = hasTrapped ? own == 0 : ended == .guarded
        dr6 = own == 0 ? self.dr6 : self.dr6 & ~DR6.breakpoints | own
    }
}
