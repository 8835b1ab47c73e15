import Foundation
import Trust

/// The certificates that an authority has made, and what has become of them: the file `certificates`, a line each. A certificate counts
/// if it is here, whoever has signed it.
///
///     3f0c…  client   alice  2027-11-29
public struct CertificateList: Equatable, Sendable {
    public enum State: String, Sendable {
        case client, server, revoked
    }

    public struct Entry: Equatable, Sendable {
        /// SHA-256 of the certificate's DER encoding, 64 hexadecimal digits.
        public var fingerprint: String
        public var state: State
        public var name: String
        /// The last day on which it is good, in UTC.
        public var until: String
    }

    public static let fileName = "certificates"
    /// Bytes of the longest list that is read: some ten thousand certificates.
    static let maxSize = 1 << 20
    public static let nameRule = "1 to 64 letters of a-z, A-Z, 0-9, . _ @ -, the first a letter or a digit"

    public private(set) var entries: [Entry] = []
    private var places: [String: Int] = [:]

    public init() {}

    /// Reads a list's text; nil: it is none.
    public init?(_ text: String) {
        guard text.isEmpty || text.hasSuffix("\n") else { return nil }
        for line in text.split(separator: "\n", omittingEmptySubsequences: false).dropLast() {
            let words = line.split(separator: " ")
            guard words.count == 4, words[0].utf8.count == 64, words[0].allSatisfy({ "0123456789abcdef".contains($0) }),
                let state = State(rawValue: String(words[1])), Self.isName(String(words[2])),
                words[3].wholeMatch(of: /[0-9]{4}-[0-9]{2}-[0-9]{2}/) != nil,
                add(
                    Entry(
                        fingerprint: String(words[0]), state: state, name: String(words[2]), until: String(words[3])))
            else { return nil }
        }
    }

    public var text: String {
        entries.map { "\($0.fingerprint) \($0.state.rawValue) \($0.name) \($0.until)\n" }.joined()
    }

    /// - Returns: false where the certificate is there already.
    mutating func add(_ entry: Entry) -> Bool {
        guard places[entry.fingerprint] == nil else { return false }
        places[entry.fingerprint] = entries.count
        entries.append(entry)
        return true
    }

    /// - Returns: the clients' certificates of this name that were good until now.
    mutating func revoke(_ name: String) -> [Entry] {
        var revoked: [Entry] = []
        for i in entries.indices where entries[i].name == name && entries[i].state == .client {
            entries[i].state = .revoked
            revoked.append(entries[i])
        }
        return revoked
    }

    public func entry(of fingerprint: String) -> Entry? { places[fingerprint].map { entries[$0] } }

    /// Whether somebody can be called so: it is a word of the list, and a folder's name.
    public static func isName(_ name: String) -> Bool {
        name.utf8.count <= 64 && name.wholeMatch(of: /[A-Za-z0-9][A-Za-z0-9._@-]*/) != nil
    }

    /// SHA-256 of a certificate's DER encoding, in hexadecimal digits.
    public static func fingerprint(_ certificate: [UInt8]) -> String {
        var hash = SHA256()
        hash.put(certificate.span)
        let words = hash.finish()
        return SecretFile.hexadecimal(
            (0..<32).map { UInt8(truncatingIfNeeded: words[$0 / 4] >> UInt32(24 - $0 % 4 * 8)) })
    }

    /// The list in a folder.
    /// - Throws: `KeyError` where there is none, it is damaged, or others than its owner may write it.
    public init(in folder: URL) throws(KeyError) {
        try self.init(in: OpenFolder(folder).closedToOthers())
    }

    init(in folder: OpenFolder) throws(KeyError) {
        let data = try folder.read(Self.fileName)
        guard data.count <= Self.maxSize, let text = String(bytes: data, encoding: .utf8),
            let list = CertificateList(text)
        else { throw .system("\(folder.path(Self.fileName)) is no list of certificates") }
        self = list
    }
}
