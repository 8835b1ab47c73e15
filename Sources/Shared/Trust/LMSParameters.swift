/// What a pair of type numbers means: RFC 8554, tables 1 and 2 (SHA-256, trees 5 to 9, one-time signatures 1 to 4), and
/// SP 800-208, section 4.2 (SHA-256/192, trees 10 to 14, one-time signatures 5 to 8).
public struct LMSParameters: Sendable {
    /// Words of 32 bits that a hash has: 8 or 6.
    public let words: Int
    /// Levels of the tree: it has 2 to their number leaves.
    public let height: Int
    /// Bits of a digit: 1, 2, 4 or 8.
    public let digit: Int
    /// Hash chains of a one-time signature, one for each digit of digest and checksum.
    public let chains: Int
    /// Bits by which the checksum is shifted.
    public let shift: Int

    /// nil for types that are none of these, or of two different hashes.
    public init?(tree: UInt32, oneTime: UInt32) {
        guard (5...14).contains(tree), (1...8).contains(oneTime), (tree >= 10) == (oneTime >= 5) else { return nil }
        words = tree >= 10 ? 6 : 8
        height = Int((tree - 5) % 5 + 1) * 5
        digit = 1 << Int((oneTime - 1) % 4)
        // RFC 8554, appendix B.
        let digits = words * 32 / digit, bits = Int.bitWidth - (digits * ((1 << digit) - 1)).leadingZeroBitCount
        let checksumDigits = (bits + digit - 1) / digit
        chains = digits + checksumDigits
        shift = 16 - checksumDigits * digit
    }

    /// Bytes of a public key and of a signature (sections 5.3 and 5.4).
    public var keyBytes: Int { 24 + words * 4 }
    public var signatureBytes: Int { 12 + (1 + chains + height) * words * 4 }
}
