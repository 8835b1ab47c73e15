import Text

/// What the trust in a boot hangs from. Where one is missing, something is weaker, and is said so.
public struct TrustAnchors: FlagSet, Sendable {
    public let rawValue: UInt8
    public init(rawValue: UInt8) { self.rawValue = rawValue }
    /// The firmware starts only what its owner's keys have signed.
    public static let secureBoot = TrustAnchors(rawValue: 1 << 0)
    /// A TPM has taken every measurement of this boot.
    public static let tpm = TrustAnchors(rawValue: 1 << 1)
    /// The program has its owner's key, and starts no manifest of anybody else.
    public static let ownerKey = TrustAnchors(rawValue: 1 << 2)
    /// Those that a manifest can require: one that is signed has the third by the program's word.
    public static let requirable = secureBoot | tpm
}
