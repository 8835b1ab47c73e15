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
            let words = line.split(separator: " ").map(String.init)
            guard words.count == 4, words[0].utf8.count == 64,
                words[0].utf8.allSatisfy({ 0x30...0x39 ~= $0 || 0x61...0x66 ~= $0 }),
                let state = State(rawValue: words[1]), Self.isName(words[2]), Self.isDay(words[3]),
                add(Entry(fingerprint: words[0], state: state, name: words[2], until: words[3]))
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

    /// The certificate of a client of this name that is neither revoked nor past its last day.
    func good(_ name: String, on today: Date = Date()) -> Entry? {
        let day = today.formatted(.iso8601.year().month().day())
        return entries.first { $0.name == name && $0.state == .client && $0.until >= day }
    }

    /// Whether it would be too long once all were revoked, by a byte each.
    var isFull: Bool { text.utf8.count + entries.count > Self.maxSize }

    /// Whether somebody can be called so: it is a word of the list, and a folder's name.
    public static func isName(_ name: String) -> Bool {
        guard let first = name.utf8.first, isLetter(first), name.utf8.count <= 64 else { return false }
        return name.utf8.allSatisfy { isLetter($0) || [0x2E, 0x5F, 0x40, 0x2D].contains($0) }
    }

    /// A letter or a digit of ASCII.
    static func isLetter(_ byte: UInt8) -> Bool {
        0x30...0x39 ~= byte || 0x41...0x5A ~= byte || 0x61...0x7A ~= byte
    }

    /// `2027-11-29`
    static func isDay(_ text: String) -> Bool {
        text.utf8.count == 10
            && zip(text.utf8, "0000-00-00".utf8).allSatisfy { $1 == 0x2D ? $0 == $1 : 0x30...0x39 ~= $0 }
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
    /// - Throws: `KeyError` where there is none, it is damaged, or others than its owner, root or this user may write it.
    public init(in folder: URL) throws(KeyError) { try self.init(in: OpenFolder.trusted(folder)) }

    init(in folder: OpenFolder) throws(KeyError) {
        let data: Data
        do { data = try folder.read(Self.fileName, ofOwner: true) } catch .missing(let file) {
            throw .system("there is no \(file): `bulkhead pki` makes it")
        }
        guard data.count <= Self.maxSize, let text = String(bytes: data, encoding: .utf8),
            let list = CertificateList(text)
        else { throw .system("\(folder.path(Self.fileName)) is no list of certificates") }
        self = list
    }
}
