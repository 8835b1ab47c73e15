import Foundation
import Trust

/// An owner's keys in a folder: the LMS key that signs manifests, here; the keys of Secure Boot in `secure-boot` (`SecureBootKeys`).
/// Private parts are encrypted.
public struct KeyFolder: Sendable {
    public let folder: URL
    public init(_ path: String) { folder = URL(filePath: path, directoryHint: .isDirectory) }

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
        let key = try LMSPrivateKey.generate(height: height)
        try make { (new: OpenFolder) throws(KeyError) in
            if let owner { try SecureBootKeys.create(in: new, name: owner, passphrase) }
            try Self.store(key, passphrase, scrypt, in: new)
        }
    }

    /// - Throws: `KeyError.exists` where there is anything but an empty folder.
    func requireNew() throws(KeyError) {
        guard OpenFolder.isThere(folder) else { return }
        guard let names = try? OpenFolder(folder).names(), names.isEmpty else { throw .exists(file: folder.path) }
    }

    /// Makes this folder: `fill` gets a new one beside it, which takes its place by a single move.
    func make(_ fill: (OpenFolder) throws(KeyError) -> Void) throws(KeyError) {
        let parent = try OpenFolder.made(at: folder.deletingLastPathComponent()), name = folder.lastPathComponent
        let partial = ".\(name).new-\(String(UInt64.random(in: .min ... .max), radix: 16))"
        let new = try parent.folder(partial, mayBeNew: true)
        do throws(KeyError) {
            try fill(new)
            try parent.move(partial, to: parent, as: name)
        } catch {
            // The files of what was made, wherever it is by now; of this name only what is empty.
            try? new.remove(folder: SecureBootKeys.name)
            try? new.removeFiles()
            parent.remove(emptyFolder: partial)
            throw error
        }
    }

    /// The public file comes last: what is there is whole. The state comes before the secret: no secret is ever without one.
    static func store(
        _ key: LMSPrivateKey, _ passphrase: Passphrase, _ scrypt: Scrypt, in files: OpenFolder
    ) throws(KeyError) {
        try LeafState(files, of: key.publicKey).write(0..<key.leaves, key)
        try files.replace(treeName, key.encodedTree, mode: 0o644)
        try files.replace(secretName, Data(SecretFile.seal(key.secret, passphrase, scrypt).utf8))
        try files.replace(publicName, Data(key.publicKey), mode: 0o644)
    }

    public func publicKey() throws(KeyError) -> [UInt8] { try publicKey(opened()) }

    func publicKey(_ files: OpenFolder) throws(KeyError) -> [UInt8] {
        // Between two steps of a rotation it is in the other place; it may move while it is looked for.
        let found = (try? files.read(Self.publicName)) ?? (try? files.folder(Self.nextName).read(Self.publicName))
        let data = if let found { found } else { try files.read(Self.publicName) }
        guard data.count == 52 || data.count == 60 else { throw .damaged(file: files.path(Self.publicName)) }
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
        let files = try opened()
        if files.isThere(Self.nextName) { try locked { (_: OpenFolder) throws(KeyError) in } }
        let key = try publicKey(files), fingerprint = Self.fingerprint(key), revoked = try revokedKeys(files)
        let (tree, oneTime) = (key[7], key[11])
        guard let parameters = LMSParameters(tree: UInt32(tree), oneTime: UInt32(oneTime)) else {
            throw .damaged(file: files.path(Self.publicName))
        }
        let left = try LeafState(files, of: key).read(leaves: 1 << parameters.height)
        return Summary(
            fingerprint: fingerprint,
            algorithm: "LMS SHA-256/\(parameters.words * 32), \(parameters.height) levels, W\(parameters.digit)",
            signatures: 1 << parameters.height, next: left.lowerBound, left: left.count,
            isRevoked: revoked.contains(fingerprint), revoked: revoked)
    }

    /// The present key.
    /// - Parameter evenRevoked: for a rotation, after which it signs nothing.
    func load(
        _ files: OpenFolder, _ passphrase: Passphrase, evenRevoked: Bool = false
    ) throws(KeyError) -> LMSPrivateKey {
        let key = try publicKey(files), fingerprint = Self.fingerprint(key)
        let isRevoked = try revokedKeys(files).contains(fingerprint)
        guard evenRevoked || !isRevoked else { throw .revoked(fingerprint: fingerprint) }
        let text = String(decoding: try files.read(Self.secretName), as: UTF8.self)
        let secret = try SecretFile.open(text, file: files.path(Self.secretName), passphrase)
        guard let found = LMSPrivateKey(publicKey: key, secret: secret, tree: try files.read(Self.treeName)) else {
            throw .damaged(file: files.path(Self.treeName))
        }
        return found
    }

    /// The messages' signatures, each an HSS signature. The leaves are taken on the disk before the first is made, of the key
    /// that signs and no other: nobody changes the folder in between.
    public func sign(_ messages: [[UInt8]], for purpose: StaticString, _ passphrase: Passphrase) throws(KeyError)
        -> [[UInt8]]
    {
        let (key, leaves) = try locked { (files: OpenFolder) throws(KeyError) in
            let key = try load(files, passphrase)
            return (key, try LeafState(files, of: key.publicKey).take(messages.count, key))
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
