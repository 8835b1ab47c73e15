import Foundation

extension KeyFolder {
    /// For whoever reads too: what a set says of itself is worth what those are who may write it.
    /// - Throws: `KeyError.exposed` where others than its owner may write: they could put an old state back, or keys of their own.
    func opened() throws(KeyError) -> OpenFolder { try OpenFolder(folder).closedToOthers() }

    /// Runs `body` while no other program changes the folder or signs with its keys. A change that was cut off is finished first.
    /// - Throws: `KeyError.exposed` also where the folder is another user's, and this one not root.
    func locked<T>(_ body: (OpenFolder) throws(KeyError) -> T) throws(KeyError) -> T {
        let files = try opened(), owner = files.facts.st_uid
        guard geteuid() == 0 || owner == geteuid() || owner == 0 else { throw .exposed(folder: folder.path) }
        let lock = try files.lock("manifest-key.lock")
        defer { close(lock) }
        while flock(lock, LOCK_EX) != 0 { if errno != EINTR { throw .busy(folder: folder.path) } }
        for name in (try? files.names()) ?? [] where name.hasPrefix(OpenFolder.partialPrefix) {
            files.remove(file: name)
        }
        try finishRotation(files)
        return try body(files)
    }
}
