import Foundation
import Trust

/// An owner's keys in a folder: the LMS key that signs manifests, here; the keys of Secure Boot in `secure-boot` (`SecureBootKeys`).
/// Private parts are encrypted.
public struct KeyFolder: Sendable {
    public let folder: URL
    public init(_ path: String) { folder = URL(filePath: path, directoryHint: .isDirectory) }

    public var publicFile: URL { folder.appending(path: "manifest-key.pub") }
    private var secretFile: URL { folder.appending(path: "manifest-key.secret") }
    private var treeFile: URL { folder.appending(path: "manifest-key.tree") }
    private var revokedFile: URL { folder.appending(path: "revoked") }
    private var state: LeafState { LeafState(folder: folder) }

    /// What `keys show` tells; nothing of it is secret.
    public struct Summary: Codable, Sendable {
        public var fingerprint: String
        public var algorithm: String
        public var signatures: Int
        public var next: Int
        public var left: Int
        public var isRevoked: Bool
        public var revoked: [String]
    }

    /// Makes the folder and a key of `height` levels.
    public func create(height: Int, _ passphrase: Passphrase, _ scrypt: Scrypt = .standard) throws(KeyError) {
        do {
            try FileManager.default.createDirectory(
                at: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch { throw .system("\(folder.path) cannot be made") }
        guard !FileManager.default.fileExists(atPath: publicFile.path) else { throw .exists(file: publicFile.path) }
        try store(try LMSPrivateKey.generate(height: height), passphrase, scrypt)
    }

    /// The public file comes last: what is there is whole. The state comes before the secret: no secret is ever without one.
    private func store(_ key: LMSPrivateKey, _ passphrase: Passphrase, _ scrypt: Scrypt) throws(KeyError) {
        try state.write(0..<key.leaves)
        try DurableFile.replace(treeFile, key.encodedTree, mode: 0o644)
        try DurableFile.replace(secretFile, Data(SecretFile.seal(key.secret, passphrase, scrypt).utf8))
        try DurableFile.replace(publicFile, Data(key.publicKey), mode: 0o644)
    }

    public func publicKey() throws(KeyError) -> [UInt8] {
        guard let data = try? Data(contentsOf: publicFile) else { throw .missing(file: publicFile.path) }
        guard data.count == 52 || data.count == 60 else { throw .damaged(file: publicFile.path) }
        return Array(data)
    }

    /// SHA-384 of the public key, its first 32 digits.
    public static func fingerprint(_ key: [UInt8]) -> String {
        var hash = SHA384()
        unsafe key.withUnsafeBytes { unsafe hash.put($0) }
        let digest = hash.finish()
        return SecretFile.hexadecimal((0..<16).map { digest[$0] })
    }

    public func summary() throws(KeyError) -> Summary {
        let key = try publicKey(), left = try state.read(), fingerprint = Self.fingerprint(key)
        let revoked = revokedKeys
        let (tree, oneTime) = (key[7], key[11])
        guard let parameters = LMSParameters(tree: UInt32(tree), oneTime: UInt32(oneTime)) else {
            throw .damaged(file: publicFile.path)
        }
        return Summary(
            fingerprint: fingerprint,
            algorithm: "LMS SHA-256/\(parameters.words * 32), \(parameters.height) levels, W\(parameters.digit)",
            signatures: 1 << parameters.height, next: left.lowerBound, left: left.count,
            isRevoked: revoked.contains(fingerprint), revoked: revoked)
    }

    public var revokedKeys: [String] {
        let text = (try? String(contentsOf: revokedFile, encoding: .utf8)) ?? ""
        return text.split(separator: "\n").map(String.init)
    }

    /// Notes that no signature of the present key counts any more; it signs nothing from now on.
    public func revoke() throws(KeyError) -> String {
        let fingerprint = Self.fingerprint(try publicKey())
        let all = revokedKeys.filter { $0 != fingerprint } + [fingerprint]
        try DurableFile.replace(revokedFile, Data(all.map { $0 + "\n" }.joined().utf8), mode: 0o644)
        return fingerprint
    }

    /// Puts the present key away into `old/FINGERPRINT`, where it signs nothing, and makes a new one.
    public func rotate(height: Int, _ passphrase: Passphrase, _ scrypt: Scrypt = .standard) throws(KeyError) {
        let old = folder.appending(path: "old/\(Self.fingerprint(try publicKey()))")
        // Whoever has the passphrase of the old one may make a new one.
        _ = try load(passphrase)
        let key = try LMSPrivateKey.generate(height: height)
        do {
            try FileManager.default.createDirectory(at: old, withIntermediateDirectories: true)
            // The secret goes first: from here on nothing is signed by it.
            for file in [secretFile, publicFile, treeFile] {
                try FileManager.default.moveItem(at: file, to: old.appending(path: file.lastPathComponent))
            }
        } catch { throw .system("\(folder.path) cannot be changed") }
        try store(key, passphrase, scrypt)
    }

    /// A copy of the key that has its last `leaves` signatures to itself: neither copy ever uses a leaf of the other's.
    public func backup(to path: String, leaves: Int) throws(KeyError) {
        let copy = KeyFolder(path), files = FileManager.default
        guard !files.fileExists(atPath: copy.folder.path) else { throw .exists(file: copy.folder.path) }
        _ = try publicKey()
        let share = try state.reserve(leaves, fromEnd: true)
        do {
            try files.createDirectory(
                at: copy.folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
            try copy.state.write(share)
            for file in [treeFile, secretFile, publicFile] {
                try DurableFile.replace(
                    copy.folder.appending(path: file.lastPathComponent), try Data(contentsOf: file))
            }
        } catch let error as KeyError { throw error } catch { throw .system("\(copy.folder.path) cannot be written") }
    }

    private func load(_ passphrase: Passphrase) throws(KeyError) -> LMSPrivateKey {
        let key = try publicKey()
        guard let text = try? String(contentsOf: secretFile, encoding: .utf8) else {
            throw .missing(file: secretFile.path)
        }
        let secret = try SecretFile.open(text, file: secretFile.path, passphrase)
        let tree = (try? Data(contentsOf: treeFile)) ?? Data()
        guard let found = LMSPrivateKey(publicKey: key, secret: secret, tree: tree) else {
            throw .damaged(file: treeFile.path)
        }
        return found
    }

    /// The messages' signatures, each an HSS signature. The leaves are reserved on the disk before the first is made.
    public func sign(_ messages: [[UInt8]], for purpose: StaticString, _ passphrase: Passphrase) throws(KeyError)
        -> [[UInt8]]
    {
        let fingerprint = Self.fingerprint(try publicKey())
        guard !revokedKeys.contains(fingerprint) else { throw .revoked(fingerprint: fingerprint) }
        let key = try load(passphrase)
        let leaves = try state.reserve(messages.count)
        var signed: [[UInt8]] = []
        for (leaf, message) in zip(leaves, messages) {
            let encoded = COSESign1.encode(message, for: purpose) { [0, 0, 0, 0] + key.sign(UInt32(leaf), $0) }
            guard COSESign1.isSigned(encoded, by: key.publicKey, for: purpose) else {
                throw .damaged(file: treeFile.path)
            }
            signed.append(encoded)
        }
        return signed
    }
}

extension LMSPrivateKey {
    /// Identifier and seed; the rest is public.
    var secret: [UInt8] { (0..<4).flatMap { Self.bytes(lms.identifier[$0]) } + seed }

    var encodedTree: Data {
        Data(nodes.flatMap { SHA256.bytes($0, count: lms.parameters.words) })
    }

    init?(publicKey key: [UInt8], secret: [UInt8], tree: Data) {
        let words = stride(from: 0, to: key.count - 3, by: 4).map { at in
            key[at..<at + 4].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        }
        guard key.count > 28, words[0] == 1, let parameters = LMSParameters(tree: words[1], oneTime: words[2]),
            secret.count == 16 + parameters.words * 4, Array(secret[..<16]) == Array(key[12..<28]),
            tree.count == (2 << parameters.height) * parameters.words * 4
        else { return nil }
        let bytes = [UInt8](tree)
        let nodes = (0..<2 << parameters.height).map { node in
            var value = InlineArray<8, UInt32>(repeating: 0)
            for i in 0..<parameters.words {
                let at = (node * parameters.words + i) * 4
                value[i] = bytes[at..<at + 4].reduce(0) { $0 << 8 | UInt32($1) }
            }
            return value
        }
        let identifier: InlineArray<4, UInt32> = [words[3], words[4], words[5], words[6]]
        guard
            let made = try? LMSPrivateKey(
                tree: words[1], oneTime: words[2], identifier: identifier, seed: Array(secret[16...]), nodes: nodes),
            made.publicKey == key
        else { return nil }
        self = made
    }
}
