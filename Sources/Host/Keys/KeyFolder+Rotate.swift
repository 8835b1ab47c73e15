import Foundation

extension KeyFolder {
    /// Where the next key is until all of it is on the disk: a folder.
    static let nextName = "new"

    /// Puts the present key away into `old/FINGERPRINT`, which has it as revoked: nobody signs with it there by mistake. Makes a new
    /// one in its place. Cut off at any moment, the old key is as it was, or the next command finishes what was begun.
    public func rotate(height: Int, _ passphrase: Passphrase, _ scrypt: Scrypt = .standard) throws(KeyError) {
        // Whoever has the passphrase of the old one may make a new one.
        let old = try locked { (files: OpenFolder) throws(KeyError) in
            try load(files, passphrase, evenRevoked: true).publicKey
        }
        // Without the lock: it can take minutes. Whether the old one is still there is looked at again.
        let key = try LMSPrivateKey.generate(height: height)
        try locked { (files: OpenFolder) throws(KeyError) in
            guard try publicKey(files) == old else { throw KeyError.busy(folder: folder.path) }
            try Self.store(key, passphrase, scrypt, in: files.folder(Self.nextName, mayBeNew: true))
            try finishRotation(files)
        }
    }

    /// Ends a rotation of which the new key is whole; what is there of one that is not is removed. Each move is on the disk
    /// before the next. Only with the lock.
    func finishRotation(_ files: OpenFolder) throws(KeyError) {
        guard files.isThere(Self.nextName) else { return }
        let new = try files.folder(Self.nextName)
        if new.isThere(Self.publicName) {
            // The public file goes last, away and in: as long as the old one is there, its other files are put away first.
            if files.isThere(Self.publicName) {
                // Of one that cannot be read nobody knows whose the other files are: they stay.
                let fingerprint = Self.fingerprint(Array(try files.read(Self.publicName)))
                let old = try files.folder("old", mayBeNew: true).folder(fingerprint, mayBeNew: true)
                try old.replace(Self.revokedName, Data((fingerprint + "\n").utf8), mode: 0o644)
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
