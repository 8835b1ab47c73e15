import Foundation

extension KeyFolder {
    /// A copy of the key that has its last `leaves` signatures to itself: neither copy ever uses a leaf of the other's. It has the
    /// list of revoked keys and the keys of Secure Boot too, as they are; not what `rotate` has put away. It appears whole or
    /// not at all; cut off, its leaves are lost.
    public func backup(to path: String, leaves: Int, _ passphrase: Passphrase) throws(KeyError) {
        let copy = KeyFolder(path)
        guard !DurableFile.isThere(copy.folder) else { throw .exists(file: copy.folder.path) }
        try locked { () throws(KeyError) in
            let key = try load(passphrase), new = try KeyFolder(beside: copy.folder)
            do throws(KeyError) {
                let share = try LeafState(folder, of: key.publicKey).take(leaves, fromEnd: true, key)
                try LeafState(new.folder, of: key.publicKey).write(share, key)
                try copyFiles(to: new.folder)
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
            let files = (try? FileManager.default.contentsOfDirectory(atPath: secureBoot.path)) ?? []
            names += files.sorted().map { "\(secureBoot.lastPathComponent)/\($0)" }
        }
        for name in names {
            guard let content = try? Data(contentsOf: folder.appending(path: name)) else {
                throw .damaged(file: folder.appending(path: name).path)
            }
            try DurableFile.replace(target.appending(path: name), content)
        }
    }
}
