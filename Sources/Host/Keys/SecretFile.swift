import Foundation

/// A few secret bytes in a file that a passphrase opens: a line that says how, then salt, cipher text and authenticator in
/// hexadecimal digits.
///
/// scrypt makes of passphrase and salt as many bytes as there are secret ones, which are added to them, and a key that
/// authenticates the file. Each file has a salt of its own, so that no such bytes are used twice.
public struct SecretFile: Sendable {
    private static let magic = "bulkhead-secret-1"
    private static let saltBytes = 32

    public static func seal(_ secret: [UInt8], _ passphrase: Passphrase, _ scrypt: Scrypt = .standard) -> String {
        let salt = (0..<saltBytes).map { _ in UInt8.random(in: .min ... .max) }
        let key = scrypt.derive(passphrase.bytes, salt: salt, count: secret.count + 32)
        let cipher = zip(secret, key).map { $0 ^ $1 }
        let head = "\(magic) scrypt \(scrypt.cost) \(scrypt.blockSize)"
        let tag = HMAC(key: Array(key.suffix(32))).authenticate(Array(head.utf8), salt, cipher)
        return "\(head)\n\(hexadecimal(salt))\n\(hexadecimal(cipher))\n\(hexadecimal(tag))\n"
    }

    /// - Throws: `KeyError.damaged` for what is no such file, `KeyError.passphrase` where the passphrase is wrong (or a byte is).
    public static func open(_ text: String, file: String, _ passphrase: Passphrase) throws(KeyError) -> [UInt8] {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        let words = lines[0].split(separator: " ")
        guard lines.count == 5, lines[4].isEmpty, words.count == 4, words[0] == magic, words[1] == "scrypt",
            let cost = Int(words[2]), (1...Scrypt.standard.cost).contains(cost), let size = Int(words[3]),
            // No more memory than a file takes that was made here, whatever an edited one asks for.
            (1...Scrypt.standard.blockSize).contains(size),
            let salt = bytes(lines[1]), let cipher = bytes(lines[2]), let tag = bytes(lines[3]),
            salt.count == saltBytes, cipher.count <= 4096, tag.count == 32
        else { throw .damaged(file: file) }
        let key = Scrypt(cost: cost, blockSize: size).derive(passphrase.bytes, salt: salt, count: cipher.count + 32)
        let expected = HMAC(key: Array(key.suffix(32))).authenticate(Array(lines[0].utf8), salt, cipher)
        guard zip(expected, tag).reduce(0, { $0 | ($1.0 ^ $1.1) }) == 0 else { throw .passphrase(file: file) }
        return zip(cipher, key).map { $0 ^ $1 }
    }

    package static func hexadecimal(_ bytes: [UInt8]) -> String {
        bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
    }

    package static func bytes(_ digits: String) -> [UInt8]? {
        let values = digits.compactMap(\.hexDigitValue)
        guard values.count % 2 == 0, values.count == digits.utf8.count else { return nil }
        return stride(from: 0, to: values.count, by: 2).map { UInt8(values[$0] << 4 | values[$0 + 1]) }
    }
}

/// What opens private files. It is never printed.
public struct Passphrase: Sendable, CustomStringConvertible, CustomDebugStringConvertible {
    let bytes: [UInt8]
    public init(_ text: String) { bytes = Array(text.utf8) }
    public var description: String { "(a passphrase)" }
    public var debugDescription: String { description }
    var text: String { String(decoding: bytes, as: UTF8.self) }
}

/// Why a set of keys cannot be used.
public enum KeyError: Error, Equatable {
    case damaged(file: String)
    case passphrase(file: String)
    case missing(file: String)
    case exists(file: String)
    case exhausted(leaves: Int)
    case revoked(fingerprint: String)
    case busy(folder: String)
    /// A list of unused leaves that is not this key's, or was changed.
    case state(file: String)
    /// Others than the owner may write there.
    case exposed(folder: String)
    case system(String)

    public var reason: String {
        switch self {
        case .damaged(let file):
            "\(file) is damaged, a link or no such file; use the copy that `bulkhead keys backup` made"
        case .passphrase(let file): "the passphrase does not open \(file)"
        case .missing(let file):
            "there is no \(file): use the copy that `bulkhead keys backup` made. Where there never were keys, `bulkhead keys "
                + "init` makes them in a new folder"
        case .exists(let file): "\(file) is there already, and was not touched; name a new folder"
        case .exhausted(let leaves):
            "all \(leaves) signatures of this key are used up; `bulkhead keys rotate` makes a new one"
        case .revoked(let fingerprint): "the key \(fingerprint) is revoked; `bulkhead keys rotate` makes a new one"
        case .busy(let folder): "another program uses or has changed the keys in \(folder)"
        case .state(let file):
            "\(file) is not of this key, or was changed: by it a leaf could sign twice. Never restore such a file; use the copy "
                + "that `bulkhead keys backup` made, or make a new key by `bulkhead keys rotate`"
        case .exposed(let folder):
            "others may write to \(folder), and so put old keys or an old state there; if nobody did, `chmod go-w \(folder)`"
        case .system(let words): words
        }
    }
}
