import CBOR
import TPM

/// What a machine says of itself, in one file: an entity attestation token's claims (RFC 9711) as deterministic CBOR. The TPM signs the
/// quote alone; the rest is worth what the quote vouches for (Documentation/attestation.md has the table of claims).
public struct Evidence: Equatable, Sendable {
    /// By whom it was asked for: 8 to 48 bytes.
    public var nonce: [UInt8]
    public var ueid: [UInt8]
    /// TPMS_ATTEST, TPMT_SIGNATURE and TPMT_PUBLIC, as the TPM has written them.
    public var quote, signature, key: [UInt8]
    /// The PCRs' values in the quote's order, one behind the other.
    public var values: [UInt8]
    /// The firmware's.
    public var log: [UInt8]

    /// Says what the other claims are.
    public static let profile = "urn:uuid:e310a21c-e250-48f5-975d-da5e8ac37b99"
    public static let nonceBytes = 8...48
    /// The most bytes of one.
    public static let mostBytes = EventLog.mostBytes + 4096

    /// The claims in their order, and the most bytes of each. Numbers below -65536 are for private use (RFC 8392, section 9.1).
    private static let claims: [(key: Int, most: Int)] = [
        (10, nonceBytes.upperBound), (256, 33), (265, 64), (-65537, 512), (-65538, 128), (-65539, 256), (-65540, 1280),
        (-65541, EventLog.mostBytes),
    ]
    private static let profileClaim = 265

    public init(
        nonce: [UInt8], ueid: [UInt8], quote: [UInt8], signature: [UInt8], key: [UInt8], values: [UInt8], log: [UInt8]
    ) {
        (self.nonce, self.ueid, self.quote, self.signature, self.key) = (nonce, ueid, quote, signature, key)
        (self.values, self.log) = (values, log)
    }

    /// - Throws: `EvidenceError` for what is no evidence of this profile.
    public init(_ bytes: [UInt8]) throws(EvidenceError) {
        var reader = CBORReader(bytes.span)
        do throws(CBORError) {
            guard try reader.map(max: Self.claims.count).remaining == Self.claims.count else {
                throw .outOfRange
            }
            var values: [[UInt8]] = []
            for claim in Self.claims {
                let head = try reader.head()
                guard head.major == (claim.key < 0 ? 1 : 0), head.value == (claim.key < 0 ? -1 - claim.key : claim.key)
                else { throw .outOfRange }
                if claim.key == Self.profileClaim {
                    let text = try reader.text(max: claim.most)
                    guard String(decoding: (0..<text.count).map { text[$0] }, as: UTF8.self) == Self.profile else {
                        throw .outOfRange
                    }
                } else {
                    let value = try reader.bytes(max: claim.most)
                    values.append((0..<value.count).map { value[$0] })
                }
            }
            try reader.finish()
            self.init(
                nonce: values[0], ueid: values[1], quote: values[2], signature: values[3], key: values[4],
                values: values[5], log: values[6])
        } catch {
            throw EvidenceError(
                .evidence, at: reader.itemOffset, "it is no evidence of the profile \(Self.profile) (\(error))")
        }
        guard Self.nonceBytes.contains(nonce.count) else {
            throw EvidenceError(.evidence, at: 0, "a nonce of \(nonce.count) bytes")
        }
    }

    /// One evidence has one encoding.
    /// - Throws: `EvidenceError` where a claim is longer than it may be.
    public func encode() throws(EvidenceError) -> [UInt8] {
        var values = [nonce, ueid, quote, signature, key, self.values, log][...]
        var output = try Self.item { $0.map(Self.claims.count) }
        for claim in Self.claims {
            var key = try Self.item { $0.key(UInt64(claim.key < 0 ? -1 - claim.key : claim.key)) }
            // A negative integer has the head of an unsigned one with another major type (RFC 8949, section 3.1).
            if claim.key < 0 { key[0] |= 1 << 5 }
            output += key
            if claim.key == Self.profileClaim {
                let text = Array(Self.profile.utf8)
                output += try Self.item { $0.text(count: text.count) { text[$0] } }
            } else if let value = values.popFirst() {
                guard value.count <= claim.most else {
                    throw EvidenceError(.evidence, at: output.count, "claim \(claim.key) has \(value.count) bytes")
                }
                output += try Self.item(bytes: value.count) { $0.bytes(value.span) }
            }
        }
        return output
    }

    private static func item(
        bytes: Int = 64, _ write: (inout CBORWriter) -> Void
    ) throws(EvidenceError) -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: bytes + 16)
        var writer = CBORWriter(buffer.mutableSpan)
        write(&writer)
        do throws(CBORError) {
            let count = try writer.finish()
            return Array(buffer[..<count])
        } catch { throw EvidenceError(.evidence, at: 0, "it cannot be written (\(error))") }
    }

    /// What the TPM is given to repeat, and so to sign: who asked, and all of the log, of which the PCRs vouch for digests alone.
    public var qualification: [UInt8] { PCRBank.sha256.digest(nonce + log) }
}
