import Foundation
import TPM

/// The public part of a key that quotes: a point on P-256 or P-384.
public struct AttestationKey: Equatable, Sendable {
    public enum Curve: UInt16, CaseIterable, Sendable {
        /// TPM_ECC_NIST_P256 and P384.
        case p256 = 3
        case p384 = 4

        /// Of one coordinate.
        public var bytes: Int { self == .p256 ? 32 : 48 }
        /// What it signs the digests of.
        public var hash: PCRBank { self == .p256 ? .sha256 : .sha384 }

        /// What stands before the coordinates in a SubjectPublicKeyInfo (RFC 5480), up to the mark of an uncompressed point.
        var prefix: [UInt8] {
            let ecPublicKey: [UInt8] = [0x06, 0x07, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01]
            let name: [UInt8] =
                self == .p256
                ? [0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07]
                : [0x06, 0x05, 0x2B, 0x81, 0x04, 0x00, 0x22]
            let algorithm = [0x30, UInt8(ecPublicKey.count + name.count)] + ecPublicKey + name
            let point = UInt8(2 + 2 * bytes)
            return [0x30, UInt8(algorithm.count) + point + 2] + algorithm + [0x03, point, 0x00, 0x04]
        }
    }
    public let curve: Curve
    /// The coordinates, one behind the other, each of the curve's length.
    public let point: [UInt8]

    init(_ curve: Curve, point: [UInt8]) { (self.curve, self.point) = (curve, point) }

    private static let begin = "-----BEGIN PUBLIC KEY-----", end = "-----END PUBLIC KEY-----"
    /// The most bytes that are read of a file with one.
    public static let mostBytes = 4096

    /// A key as `bulkhead attest --key-only` writes it (RFC 7468, PUBLIC KEY); nil for anything else.
    public init?(pem: String) {
        let lines = pem.split(whereSeparator: \.isNewline).map { $0.trimmingCharacters(in: .whitespaces) }
        guard lines.count > 2, lines.first == Self.begin, lines.last == Self.end,
            let data = Data(base64Encoded: lines.dropFirst().dropLast().joined())
        else { return nil }
        let bytes = [UInt8](data)
        for curve in Curve.allCases where bytes.starts(with: curve.prefix) {
            let point = Array(bytes.dropFirst(curve.prefix.count))
            guard point.count == 2 * curve.bytes else { return nil }
            self.init(curve, point: point)
            return
        }
        return nil
    }

    public var pem: String {
        let text = Array(Data(curve.prefix + point).base64EncodedString())
        let lines = stride(from: 0, to: text.count, by: 64).map { String(text[$0..<min($0 + 64, text.count)]) }
        return ([Self.begin] + lines + [Self.end]).joined(separator: "\n") + "\n"
    }
}
