import TPM

/// A TPM's signature by ECDSA: TPMT_SIGNATURE with TPM_ALG_ECDSA (TPM 2.0 Library, Part 2, section 11.3.4).
public struct QuoteSignature: Equatable, Sendable {
    /// The digest that was signed is of this one's algorithm.
    public let hash: PCRBank
    /// Unsigned, the most significant byte first; at most 48 bytes each.
    public let r, s: [UInt8]

    /// - Throws: `EvidenceError` for another kind of signature, or none.
    public init(_ bytes: [UInt8]) throws(EvidenceError) {
        var cursor = FieldCursor(bytes, of: .signature)
        try cursor.require(0x0018 as UInt16, "it is not by ECDSA")
        guard let hash = PCRBank(rawValue: try cursor.big()) else {
            throw cursor.failure("the hash algorithm is neither SHA-256 nor SHA-384")
        }
        self.hash = hash
        r = try cursor.sized(atMost: 48)
        s = try cursor.sized(atMost: 48)
        try cursor.finish()
    }

    /// As OpenSSL reads it: a SEQUENCE of two INTEGERs (SEC 1, section C.5).
    public var der: [UInt8] {
        let numbers = [r, s].flatMap { number in
            var digits = Array(number.drop { $0 == 0 })
            if digits.first.map({ $0 >= 0x80 }) ?? true { digits.insert(0, at: 0) }
            return [2, UInt8(digits.count)] + digits
        }
        return [0x30, UInt8(numbers.count)] + numbers
    }
}
