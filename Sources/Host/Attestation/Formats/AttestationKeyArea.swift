import TPM

/// What a TPM says of an attestation key: TPMT_PUBLIC (TPM 2.0 Library, Part 2, section 12.2.4) of a key for ECDSA.
public struct AttestationKeyArea: Equatable, Sendable {
    public let key: AttestationKey
    /// TPMA_OBJECT.
    public let attributes: UInt32
    /// As the TPM has it.
    public let bytes: [UInt8]

    /// fixedTPM, fixedParent, sensitiveDataOrigin, userWithAuth, noDA, restricted, sign: made in this TPM, never outside of it, and used
    /// for nothing that the TPM has not made itself.
    static let attributes: UInt32 = 0x0005_0472
    /// Those of them on which a quote's worth rests, with decrypt, which must not be set.
    private static let deciding: UInt32 = 0x0007_0032

    /// - Throws: `EvidenceError` for what is no such area.
    public init(_ bytes: [UInt8]) throws(EvidenceError) {
        var cursor = FieldCursor(bytes, of: .key)
        try cursor.require(0x0023 as UInt16, "it is no key on an elliptic curve")
        // The name, and with it the UEID, is by SHA-256.
        try cursor.require(PCRBank.sha256.rawValue, "its name is not by SHA-256")
        attributes = try cursor.big()
        _ = try cursor.sized(atMost: 64)
        try cursor.require(0x0010 as UInt16, "it encrypts")
        try cursor.require(0x0018 as UInt16, "it does not sign by ECDSA")
        let hash = try cursor.big(UInt16.self)
        guard let curve = AttestationKey.Curve(rawValue: try cursor.big()), curve.hash.rawValue == hash else {
            throw cursor.failure("it is neither on P-256 with SHA-256 nor on P-384 with SHA-384")
        }
        try cursor.require(0x0010 as UInt16, "it has a key derivation")
        var point: [UInt8] = []
        for _ in 0..<2 {
            let coordinate = try cursor.sized(atMost: curve.bytes)
            point += [UInt8](repeating: 0, count: curve.bytes - coordinate.count) + coordinate
        }
        try cursor.finish()
        (key, self.bytes) = (AttestationKey(curve, point: point), bytes)
    }

    /// Whether the TPM signs nothing with it but what it has made itself, and nobody else has the key.
    public var isForAttestation: Bool { attributes & Self.deciding == Self.attributes & Self.deciding }

    /// The machine's identity (RFC 9711, section 4.2.1): type RAND, then the digest of the area, as in the TPM's name of the key.
    public var ueid: [UInt8] { [1] + PCRBank.sha256.digest(bytes) }

    /// Where a key for attestation may have been made: the endorsement and the owner hierarchy (TPM_RH_ENDORSEMENT, TPM_RH_OWNER).
    private static let hierarchies: [UInt32] = [0x4000_000B, 0x4000_0001]

    /// What the TPM calls a primary key with this area in what the key signs (TPM 2.0 Library, Part 1, section 16, and Part 2, section
    /// 10.5.3): the number of the hash algorithm, and the digest of the parent's qualified name and of the key's name. The qualified name of a hierarchy is
    /// its handle, the key's name is the number and the digest of the area. So all of the area is in it: attributes, policy, point.
    /// - Parameter hierarchy: its handle.
    func qualifiedName(under hierarchy: UInt32) -> [UInt8] {
        func word(_ value: UInt32) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - $0 * 8)) } }
        let algorithm = Array(word(UInt32(PCRBank.sha256.rawValue)).suffix(2))
        let name = algorithm + PCRBank.sha256.digest(bytes)
        return algorithm + PCRBank.sha256.digest(word(hierarchy) + name)
    }

    /// Whether a quote says that a primary key with exactly this area has signed it.
    public func isSigner(of quote: Quote) -> Bool {
        Self.hierarchies.contains { qualifiedName(under: $0) == quote.qualifiedSigner }
    }
}
