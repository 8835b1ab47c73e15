import CBOR

/// A signed message: COSE_Sign1 (RFC 9052, section 4.2) without its tag, with the one algorithm HSS-LMS (RFC 8778), whose number
/// is all that the protected header has. The unprotected one is empty. So a message has one encoding.
public struct COSESign1: ~Escapable {
    public let payload: Span<UInt8>
    /// The payload with its head, as it is signed.
    private let encodedPayload: Span<UInt8>
    private let signature: Span<UInt8>

    /// The protected header: {1: -46}.
    public static let header: [4 of UInt8] = [0xA1, 0x01, 0x38, 0x2D]
    /// Bytes that a message has beside payload and signature, at most.
    public static let overhead = 16
    /// Bytes of the longest signature that is read: SHA-256/192, 2 to the 25 leaves, digits of 1 bit.
    public static let maxSignature = 5_440

    /// - Parameter max: bytes of the longest payload.
    @_lifetime(copy bytes)
    public init(_ bytes: Span<UInt8>, max: Int) throws(CBORError) {
        var reader = CBORReader(bytes)
        guard try reader.array(max: 4) == 4 else { throw .outOfRange }
        let header = try reader.bytes(max: 4)
        guard header.count == 4 else { throw .outOfRange }
        for i in 0..<4 where header[i] != Self.header[i] { throw .outOfRange }
        _ = try reader.map(max: 0)
        let start = reader.offset
        payload = try reader.bytes(max: max)
        encodedPayload = bytes.extracting(start..<reader.offset)
        signature = try reader.bytes(max: Self.maxSignature)
        try reader.finish()
    }

    /// Whether the owner of an HSS key of one level has signed it (RFC 8554, section 6: the number of levels before the key, of
    /// signed keys before the signature).
    /// - Parameter purpose: at most 23 bytes, signed with it (as `external_aad`), so that what was signed for one purpose is not
    ///   taken for another.
    public func isSigned(by key: Span<UInt8>, for purpose: StaticString) -> Bool {
        guard key.count > 4, key.word(0) == 1, signature.count > 4, signature.word(0) == 0 else { return false }
        return LMS.verify(key.extracting(4..<key.count), signature.extracting(4..<signature.count)) { hash in
            Self.begin(&hash, purpose)
            hash.put(encodedPayload)
        }
    }

    /// What is signed in front of the payload's encoding: Sig_structure (RFC 9052, section 4.4).
    public static func begin(_ hash: inout SHA256, _ purpose: StaticString) {
        let context: StaticString = "Signature1"
        hash.put(0x84)
        hash.put(0x6A)
        put(context, &hash)
        hash.put(0x44)
        for i in 0..<4 { hash.put(header[i]) }
        hash.put(0x40 | UInt8(purpose.utf8CodeUnitCount))
        put(purpose, &hash)
    }

    private static func put(_ text: StaticString, _ hash: inout SHA256) {
        // The compiler laid down utf8CodeUnitCount bytes there, for the life of the program.
        for i in 0..<text.utf8CodeUnitCount { unsafe hash.put(text.utf8Start[i]) }
    }
}
