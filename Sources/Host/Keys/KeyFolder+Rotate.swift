import Foundation

extension KeyFolder {
    /// Where the next key is until all of it is on the disk.
    var rotated: KeyFolder { KeyFolder(folder.appending(path: "new").path) }

    /// Puts the present key away into `old/FINGERPRINT`, which has it as revoked: nobody signs with it there by mistake. Makes a new
    /// one in its place. Cut off at any moment, the old key is as it was, or the next command finishes what was begun.
    public func rotate(height: Int, _ passphrase: Passphrase, _ scrypt: Scrypt = .standard) throws(KeyError) {
        // Whoever has the passphrase of the old one may make a new one.
        let old = try locked { () throws(KeyError) in try load(passphrase, evenRevoked: true).publicKey }
        // Without the lock: it can take minutes. Whether the old one is still there is looked at again.
        let key = try LMSPrivateKey.generate(height: height)
        try locked { () throws(KeyError) in
            guard try publicKey() == old else { throw KeyError.busy(folder: folder.path) }
            try DurableFile.makeFolder(rotated.folder)
            try rotated.store(key, passphrase, scrypt)
            try finishRotation()
        }
    }

    /// Ends a rotation of which the new key is whole; what is there of one that is not is removed. Each move is on the disk
    /// before the next. Only with the lock.
    func finishRotation() throws(KeyError) {
        let new = rotated, files = [Self.secretName, Self.stateName, Self.treeName, Self.publicName]
        guard DurableFile.isThere(new.folder) else { return }
        if DurableFile.isThere(new.publicFile) {
            // The public file goes last, away and in: as long as the old one is there, its other files are put away first.
            if DurableFile.isThere(publicFile) {
                // Of one that cannot be read nobody knows whose the other files are: they stay.
                guard let present = try? Data(contentsOf: publicFile) else { throw .damaged(file: publicFile.path) }
                let fingerprint = Self.fingerprint(Array(present)), old = folder.appending(path: "old/\(fingerprint)")
                try DurableFile.makeFolder(old)
                try DurableFile.replace(
                    KeyFolder(old.path).revokedFile, Data((fingerprint + "\n").utf8), mode: 0o644)
                try move(files, from: folder, to: old)
            }
            try move(files, from: new.folder, to: folder)
        }
        do { try FileManager.default.removeItem(at: new.folder) } catch {
            throw .system("\(new.folder.path) cannot be removed")
        }
    }

    private func move(_ files: [String], from source: URL, to target: URL) throws(KeyError) {
        for name in files where DurableFile.isThere(source.appending(path: name)) {
            try DurableFile.move(source.appending(path: name), to: target.appending(path: name))
        }
    }
}
