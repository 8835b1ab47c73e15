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
    }

    public private(set) var kind: Kind
    private var flags: UInt64
    private var dr6: UInt64
    /// Of a step that is over: whether its trap came, and nothing of the guest's own with it.
    public private(set) var isDone = false
    /// Whether the access has been made.
    public private(set) var hasAccessed = false
    /// The causes of #DB that are the guest's own, as in DR6.
    public private(set) var own = DR6.breakpoints | DR6.singleStep

    public init(_ kind: Kind = .none, rflags: UInt64 = 0, dr6: UInt64 = 0) {
        (self.kind, flags, self.dr6) = (kind, rflags & RFLAGS.trap, dr6)
    }

    public var isActive: Bool { kind != .none }

    /// Whatever ended the step, the guest's own flags come back.
    /// - Parameters:
    ///   - causes: those of the #DB that ended it; 0 where something else did.
    ///   - rflags, dr6: what the guest has of them.
    public mutating func end(causes: UInt64, rflags: inout UInt64, dr6: inout UInt64) {
        let ended = kind, isTrap = causes & DR6.singleStep != 0
        kind = .none
        if ended == .delivery { return }
        if flags == 0 { own = DR6.breakpoints }
        hasAccessed = ended == .access && isTrap
        isDone = isTrap && causes & own == 0
        if ended != .interruptReturn || !isTrap { rflags = rflags & ~RFLAGS.trap | flags }
        dr6 = causes & own == 0 ? self.dr6 : self.dr6 & ~DR6.breakpoints | causes & own
    }
}
