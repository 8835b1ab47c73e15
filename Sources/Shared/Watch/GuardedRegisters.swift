/// What of a processor's registers a booted kernel leaves as it is. In the order of `WatchRule`, from CR0 on.
public struct GuardedRegisters: Sendable {
    /// CR0, CR4, the bases of IDTR and GDTR, STAR, LSTAR, CSTAR, SFMASK, SYSENTER_CS, SYSENTER_ESP, SYSENTER_EIP; and CR3, which is
    /// guarded by nobody.
    public var words: [12 of UInt64] = .init(repeating: 0)
    public init() {}

    public static let entry = 5, interruptTable = 2, cr3 = 11

    /// Whether a model-specific register is one of these.
    public static func covers(_ msr: UInt32) -> Bool { 0x174...0x176 ~= msr || 0xC000_0081...0xC000_0084 ~= msr }

    /// The bits that have to stay: of CR0 and CR4 WP, UMIP, SMEP and SMAP, which may be set and never cleared.
    private func pinned(_ i: Int) -> UInt64 {
        i > 1 ? .max : words[i] & (i == 0 ? 1 << 16 : 1 << 11 | 1 << 20 | 1 << 21)
    }

    /// The first that is not as in `locked`; nil where all are.
    /// - Parameter isOther: whether `locked` is of another processor, which has segments and a stack of its own.
    public func changed(since locked: borrowing GuardedRegisters, isOther: Bool = false) -> Int? {
        for i in 0..<11 where !isOther || i != 3 && i != 9 {
            if (words[i] ^ locked.words[i]) & locked.pinned(i) != 0 { return i }
        }
        return nil
    }

    /// Puts one back.
    public mutating func restore(_ i: Int, from locked: borrowing GuardedRegisters) {
        words[i] ^= (words[i] ^ locked.words[i]) & locked.pinned(i)
    }
}
