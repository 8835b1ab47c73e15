/// What of a processor's registers a booted kernel leaves as it is. In the order of `WatchRule`, from CR0 on.
public struct GuardedRegisters: Sendable {
    public static let count = 11
    /// CR0, CR4, the bases of IDTR and GDTR, STAR, LSTAR, CSTAR, SFMASK, SYSENTER_CS, SYSENTER_ESP, SYSENTER_EIP.
    public var words: [11 of UInt64] = .init(repeating: 0)
    public init() {}

    /// CR0.WP; of CR4, UMIP, SMEP and SMAP. They may be set, and never cleared.
    public static let pinned: (cr0: UInt64, cr4: UInt64) = (1 << 16, 1 << 11 | 1 << 20 | 1 << 21)
    public static let entry = 5
    public static let interruptTable = 2

    /// Whether a model-specific register is one of these.
    public static func covers(_ msr: UInt32) -> Bool { 0x174...0x176 ~= msr || 0xC000_0081...0xC000_0084 ~= msr }

    /// The first that is not as in `locked`; nil where all are.
    /// - Parameter isOther: whether `locked` is of another processor, which has segments and a stack of its own.
    public func changed(since locked: borrowing GuardedRegisters, isOther: Bool = false) -> WatchRule? {
        for i in 0..<Self.count {
            if isOther, i == 3 || i == 9 { continue }
            let change = words[i] ^ locked.words[i]
            let matters =
                i == 0 ? Self.pinned.cr0 & locked.words[0] : i == 1 ? Self.pinned.cr4 & locked.words[1] : .max
            if change & matters != 0 { return WatchRule(rawValue: WatchRule.cr0.rawValue + UInt8(i)) }
        }
        return nil
    }
}
