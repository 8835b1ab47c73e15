/// NMIs of a guest on a processor that does not block the next one behind one that was injected (AMD64 APM volume 2, section
/// 15.20): the guest's IRET exits while it handles one, and tells when it can take another.
public struct GuestNMI: Sendable {
    public enum Answer: Equatable, Sendable {
        /// Nothing: there is none, or an exit comes anyway before the guest can take it.
        case nothing
        case inject
        /// An exit is wanted behind the event that is due.
        case exitBehindEvent
        /// The next instruction has to be stepped over.
        case singleStep
        /// The same; it is the IRET by which the guest leaves its handler.
        case singleStepReturn
    }

    /// One waits until the guest can take it.
    public var isPending = false
    /// The guest handles one.
    public private(set) var isBlocked = false
    /// Where the IRET is that ends the latest one's handler.
    private var returnAddress: UInt64?

    public init() {}

    /// What to do before the guest is entered.
    /// - Parameters:
    ///   - rip: the guest's next instruction.
    ///   - hasEvent: whether another event is delivered first.
    ///   - inShadow: whether STI or MOV SS holds interrupts back.
    public mutating func next(at rip: UInt64, hasEvent: Bool, inShadow: Bool) -> Answer {
        if !isPending || isBlocked { return .nothing }
        if hasEvent { return .exitBehindEvent }
        if returnAddress == rip { return .singleStepReturn }
        if inShadow { return .singleStep }
        (isPending, isBlocked, returnAddress) = (false, true, nil)
        return .inject
    }

    /// The guest is about to leave its handler, by an IRET at `rip`.
    public mutating func leave(at rip: UInt64) { (isBlocked, returnAddress) = (false, rip) }
}
