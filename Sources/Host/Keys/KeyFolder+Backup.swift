import Foundation

extension KeyFolder {
    /// A copy of the key that has its last `leaves` signatures to itself: neither copy ever uses a leaf of the other's. It has the
    /// list of revoked keys and the keys of Secure Boot too, as they are; not what `rotate` has put away. It appears whole or
    /// not at all; cut off, its leaves are lost, and what was made of it is beside it, under a name that begins with a dot.
    public func backup(to path: String, leaves: Int, _ passphrase: Passphrase) throws(KeyError) {
        let copy = KeyFolder(path)
        guard !DurableFile.isThere(copy.folder) else { throw .exists(file: copy.folder.path) }
        try locked { () throws(KeyError) in
            let key = try load(passphrase), new = try KeyFolder(beside: copy.folder)
            do throws(KeyError) {
                // Before it costs leaves.
                try copyFiles(to: new.folder)
                let share = try LeafState(folder, of: key.publicKey).take(leaves, fromEnd: true, key)
                try LeafState(new.folder, of: key.publicKey).write(share, key)
                try DurableFile.move(new.folder, to: copy.folder)
            } catch {
                try? FileManager.default.removeItem(at: new.folder)
                throw error
            }
        }
    }

    private func copyFiles(to target: URL) throws(KeyError) {
        var names = [Self.treeName, Self.secretName, Self.publicName]
        if DurableFile.isThere(folder.appending(path: "revoked")) { names.append("revoked") }
        let secureBoot = SecureBootKeys(self).folder
        if DurableFile.isThere(secureBoot) {
            try DurableFile.makeFolder(target.appending(path: secureBoot.lastPathComponent))
            guard let files = try? FileManager.default.contentsOfDirectory(atPath: secureBoot.path) else {
                throw .damaged(file: secureBoot.path)
            }
            names += files.sorted().map { "\(secureBoot.lastPathComponent)/\($0)" }
        }
        for name in names {
            try DurableFile.replace(target.appending(path: name), DurableFile.read(name, in: folder))
        }
    }
}
