import Foundation

extension KeyFolder {
    /// Where the next key is until all of it is on the disk: a folder.
    static let nextName = "new"

    /// Puts the present key away into `old/FINGERPRINT`, which has it as revoked: nobody signs with it there by mistake. Makes a new
    /// one in its place. Cut off at any moment, the old key is as it was, or the next command finishes what was begun.
    public func rotate(height: Int, _ passphrase: Passphrase, _ scrypt: Scrypt = .standard) throws(KeyError) {
        // Whoever has the passphrase of the old one may make a new one.
        let old = try locked { (files: OpenFolder) throws(KeyError) in
            let key = try load(files, passphrase, evenRevoked: true).publicKey
            _ = try Self.placeOfOld(key, files)
            return key
        }
        // Without the lock: it can take minutes. Whether the old one is still there is looked at again.
        let key = try LMSPrivateKey.generate(height: height)
        try locked { (files: OpenFolder) throws(KeyError) in
            guard try publicKey(files) == old else { throw KeyError.busy(folder: folder.path) }
            // While nothing has begun: what stood in the way later would stop every command.
            _ = try Self.placeOfOld(old, files)
            try Self.store(key, passphrase, scrypt, in: files.folder(Self.nextName, mayBeNew: true))
            try finishRotation(files)
        }
    }

    /// Where a key is put away, noted as revoked there when it comes; an empty folder until then, which may stay where a rotation is
    /// cut off.
    private static func placeOfOld(_ key: [UInt8], _ files: OpenFolder) throws(KeyError) -> OpenFolder {
        try files.folder("old", mayBeNew: true).folder(fingerprint(key), mayBeNew: true)
    }

    /// Ends a rotation of which the new key is whole; what is there of one that is not is removed. Each move is on the disk
    /// before the next. Only with the lock.
    func finishRotation(_ files: OpenFolder) throws(KeyError) {
        // An empty one tells of a program that was killed when it had made it, as root perhaps.
        guard files.isThere(Self.nextName), !files.remove(emptyFolder: Self.nextName) else { return }
        let new = try files.folder(Self.nextName)
        if new.isThere(Self.publicName) {
            // The public file goes last, away and in: as long as the old one is there, its other files are put away first.
            if files.isThere(Self.publicName) {
                // Of one that cannot be read nobody knows whose the other files are: they stay.
                let key = Array(try files.read(Self.publicName)), old = try Self.placeOfOld(key, files)
                try old.replace(Self.revokedName, Data((Self.fingerprint(key) + "\n").utf8), mode: 0o644)
                try Self.moveKey(from: files, to: old)
            }
            try Self.moveKey(from: new, to: files)
        }
        try files.remove(folder: Self.nextName)
    }

    private static func moveKey(from source: OpenFolder, to target: OpenFolder) throws(KeyError) {
        for name in [secretName, stateName, treeName, publicName] where source.isThere(name) {
            try source.move(name, to: target, as: name)
        }
    }
}
