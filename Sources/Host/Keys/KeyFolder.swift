import Foundation
import Trust

/// An owner's keys in a folder: the LMS key that signs manifests, here; the keys of Secure Boot in `secure-boot` (`SecureBootKeys`).
/// Private parts are encrypted.
public struct KeyFolder: Sendable {
    public let folder: URL
    public init(_ path: String) { folder = URL(filePath: path, directoryHint: .isDirectory) }

    public var publicFile: URL { folder.appending(path: Self.publicName) }
    static let publicName = "manifest-key.pub"
    static let secretName = "manifest-key.secret"
    static let treeName = "manifest-key.tree"
    static let stateName = "manifest-key.state"

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

    /// Makes a folder with a key of `height` levels. All is made beside it and takes its place at once, which must be empty: no key
    /// that is there is ever touched.
    /// - Parameter owner: whose keys of Secure Boot are made too; nil: none are.
    public func create(
        height: Int, _ passphrase: Passphrase, _ scrypt: Scrypt = .standard, secureBoot owner: String? = nil
    ) throws(KeyError) {
        try requireNew()
        // Both before anything is made, and before the time that it takes.
        if let owner { try SecureBootKeys.requirePrograms(owner: owner) }
        let key = try LMSPrivateKey.generate(height: height), new = try KeyFolder(beside: folder)
        do throws(KeyError) {
            if let owner { try SecureBootKeys(new).create(name: owner, passphrase) }
            try new.store(key, passphrase, scrypt)
            try DurableFile.move(new.folder, to: folder)
        } catch {
            try? FileManager.default.removeItem(at: new.folder)
            throw error
        }
    }

    /// - Throws: `KeyError.exists` where there is anything but an empty folder.
    private func requireNew() throws(KeyError) {
        guard DurableFile.isThere(folder) else { return }
        guard let files = try? FileManager.default.contentsOfDirectory(atPath: folder.path), files.isEmpty else {
            throw .exists(file: folder.path)
        }
    }

    /// A new folder, for what becomes another one by a single move.
    init(beside folder: URL) throws(KeyError) {
        let name = ".\(folder.lastPathComponent).new-\(String(UInt64.random(in: .min ... .max), radix: 16))"
        self.init(folder.deletingLastPathComponent().appending(path: name).path)
        try DurableFile.makeFolder(self.folder)
    }

    /// The public file comes last: what is there is whole. The state comes before the secret: no secret is ever without one.
    func store(_ key: LMSPrivateKey, _ passphrase: Passphrase, _ scrypt: Scrypt) throws(KeyError) {
        try LeafState(folder, of: key.publicKey).write(0..<key.leaves, key)
        try DurableFile.replace(folder.appending(path: Self.treeName), key.encodedTree, mode: 0o644)
        try DurableFile.replace(
            folder.appending(path: Self.secretName), Data(SecretFile.seal(key.secret, passphrase, scrypt).utf8))
        try DurableFile.replace(publicFile, Data(key.publicKey), mode: 0o644)
    }

    public func publicKey() throws(KeyError) -> [UInt8] {
        // Between two steps of a rotation it is in the other place; it may move while it is looked for.
        let found = [publicFile, rotated.publicFile, publicFile].lazy.compactMap { try? Data(contentsOf: $0) }.first
        guard let data = found else { throw .missing(file: publicFile.path) }
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
        if DurableFile.isThere(rotated.folder) { try locked {} }
        let key = try publicKey(), fingerprint = Self.fingerprint(key), revoked = try revokedKeys()
        let (tree, oneTime) = (key[7], key[11])
        guard let parameters = LMSParameters(tree: UInt32(tree), oneTime: UInt32(oneTime)) else {
            throw .damaged(file: publicFile.path)
        }
        let left = try LeafState(folder, of: key).read(leaves: 1 << parameters.height)
        return Summary(
            fingerprint: fingerprint,
            algorithm: "LMS SHA-256/\(parameters.words * 32), \(parameters.height) levels, W\(parameters.digit)",
            signatures: 1 << parameters.height, next: left.lowerBound, left: left.count,
            isRevoked: revoked.contains(fingerprint), revoked: revoked)
    }

    /// The present key.
    /// - Parameter evenRevoked: for a rotation, after which it signs nothing.
    func load(_ passphrase: Passphrase, evenRevoked: Bool = false) throws(KeyError) -> LMSPrivateKey {
        let key = try publicKey(), fingerprint = Self.fingerprint(key)
        let isRevoked = try revokedKeys().contains(fingerprint)
        guard evenRevoked || !isRevoked else { throw .revoked(fingerprint: fingerprint) }
        let secretFile = folder.appending(path: Self.secretName), treeFile = folder.appending(path: Self.treeName)
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

    /// The messages' signatures, each an HSS signature. The leaves are taken on the disk before the first is made, of the key
    /// that signs and no other: nobody changes the folder in between.
    public func sign(_ messages: [[UInt8]], for purpose: StaticString, _ passphrase: Passphrase) throws(KeyError)
        -> [[UInt8]]
    {
        let (key, leaves) = try locked { () throws(KeyError) in
            let key = try load(passphrase)
            return (key, try LeafState(folder, of: key.publicKey).take(messages.count, key))
        }
        var signed: [[UInt8]] = []
        for (leaf, message) in zip(leaves, messages) {
            let encoded = COSESign1.encode(message, for: purpose) { [0, 0, 0, 0] + key.sign(UInt32(leaf), $0) }
            guard COSESign1.isSigned(encoded, by: key.publicKey, for: purpose) else {
                throw .damaged(file: folder.appending(path: Self.treeName).path)
            }
            signed.append(encoded)
        }
        return signed
    }
}
