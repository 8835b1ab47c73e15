import Foundation

/// A private key as OpenSSL keeps it: PKCS 8, encrypted with what scrypt makes of a passphrase (RFC 5958, RFC 7914 section 7).
enum EncryptedKeyFile {
    /// Looks at a file before any program opens it.
    /// - Throws: `KeyError.damaged` for what is no such file, or one whose opening takes more memory or time than that of one that was
    ///   made here, whatever an edited one asks for.
    static func require(_ content: Data, file: String) throws(KeyError) {
        let lines = String(decoding: content, as: UTF8.self).split(separator: "\n").map(String.init)
        let name = "ENCRYPTED PRIVATE KEY-----"
        guard lines.count > 2, lines.count < 200, lines.first == "-----BEGIN " + name, lines.last == "-----END " + name,
            let data = Data(base64Encoded: lines.dropFirst().dropLast().joined()), isBounded([UInt8](data)[...])
        else { throw .damaged(file: file) }
    }

    // The contents of object identifiers: PBES2 (1.2.840.113549.1.5.13) and scrypt (1.3.6.1.4.1.11591.4.11).
    private static let pbes2: [UInt8] = [0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x05, 0x0D]
    private static let scrypt: [UInt8] = [0x2B, 0x06, 0x01, 0x04, 0x01, 0xDA, 0x47, 0x04, 0x0B]
    private static let sequence: UInt8 = 0x30, identifier: UInt8 = 0x06, octets: UInt8 = 0x04, integer: UInt8 = 0x02

    private static func isBounded(_ bytes: ArraySlice<UInt8>) -> Bool {
        var file = bytes
        guard var outer = next(&file, sequence), file.isEmpty, var algorithm = next(&outer, sequence),
            next(&algorithm, identifier).map(Array.init) == pbes2, var parts = next(&algorithm, sequence),
            var derivation = next(&parts, sequence), next(&derivation, identifier).map(Array.init) == scrypt,
            var values = next(&derivation, sequence), next(&values, octets) != nil,
            let cost = number(&values), let blockSize = number(&values), let lanes = number(&values)
        else { return false }
        let most = Scrypt.standard
        return (2...1 << most.cost).contains(cost) && (1...most.blockSize).contains(blockSize) && lanes == 1
    }

    /// The content of the next item, which must be of that kind (X.690, section 8.1); nil otherwise.
    private static func next(_ bytes: inout ArraySlice<UInt8>, _ tag: UInt8) -> ArraySlice<UInt8>? {
        guard bytes.popFirst() == tag, let first = bytes.popFirst() else { return nil }
        var count = Int(first)
        if first >= 0x80 {
            guard (0x81...0x83).contains(first) else { return nil }
            count = 0
            for _ in 0..<first - 0x80 {
                guard let byte = bytes.popFirst() else { return nil }
                count = count << 8 | Int(byte)
            }
        }
        guard count <= bytes.count else { return nil }
        defer { bytes = bytes.dropFirst(count) }
        return bytes.prefix(count)
    }

    private static func number(_ bytes: inout ArraySlice<UInt8>) -> Int? {
        guard let digits = next(&bytes, integer), (1...4).contains(digits.count),
            digits.first.map({ $0 < 0x80 }) == true
        else { return nil }
        return digits.reduce(0) { $0 << 8 | Int($1) }
    }
}
