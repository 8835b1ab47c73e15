import Foundation

extension KeyFolder {
    /// A copy of the key that has its last `leaves` signatures to itself: neither copy ever uses a leaf of the other's. It has the
    /// list of revoked keys and the keys of Secure Boot too, as they are; not what `rotate` has put away. It appears whole or
    /// not at all; cut off, its leaves are lost, and what was made of it is beside it, under a name that begins with a dot.
    public func backup(to path: String, leaves: Int, _ passphrase: Passphrase) throws(KeyError) {
        let copy = KeyFolder(path)
        guard !OpenFolder.isThere(copy.folder) else { throw .exists(file: copy.folder.path) }
        try locked { (files: OpenFolder) throws(KeyError) in
            let key = try load(files, passphrase)
            try copy.make { (new: OpenFolder) throws(KeyError) in
                // Before it costs leaves.
                try Self.copy(files, to: new)
                let share = try LeafState(files, of: key.publicKey).take(leaves, fromEnd: true, key)
                try LeafState(new, of: key.publicKey).write(share, key)
            }
        }
    }

    private static func copy(_ files: OpenFolder, to target: OpenFolder) throws(KeyError) {
        for name in [treeName, secretName, publicName] { try target.replace(name, files.read(name)) }
        if files.isThere(revokedName) { try target.replace(revokedName, files.read(revokedName)) }
        guard files.isThere(SecureBootKeys.name) else { return }
        let secureBoot = try files.folder(SecureBootKeys.name)
        let new = try target.folder(SecureBootKeys.name, mayBeNew: true)
        for name in try secureBoot.names() { try new.replace(name, secureBoot.read(name)) }
    }
}
