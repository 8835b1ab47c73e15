import Foundation

extension KeyFolder {
    /// Runs `body` while no other program changes the folder or signs with its keys. A change that was cut off is finished first.
    /// - Throws: `KeyError.exposed` where others may write: they could put an old state back, or keys of their own.
    func locked<T>(_ body: () throws(KeyError) -> T) throws(KeyError) -> T {
        var facts = stat()
        guard unsafe stat(folder.path, &facts) == 0, facts.st_mode & S_IFMT == S_IFDIR else {
            throw .missing(file: folder.path)
        }
        guard facts.st_mode & 0o022 == 0, geteuid() == 0 || facts.st_uid == geteuid() || facts.st_uid == 0 else {
            throw .exposed(folder: folder.path)
        }
        let path = folder.appending(path: "manifest-key.lock").path
        let lock = unsafe open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard lock >= 0 else { throw .system("\(path) cannot be opened: \(DurableFile.systemError)") }
        defer { close(lock) }
        DurableFile.giveToOwner(of: folder, lock)
        while flock(lock, LOCK_EX) != 0 { if errno != EINTR { throw .busy(folder: folder.path) } }
        for name in (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        where name.hasPrefix(DurableFile.partialPrefix) {
            // A file at most: whoever has the folder could lay one of others in its place, which would be emptied.
            unsafe unlink(folder.appending(path: name).path)
        }
        try finishRotation()
        return try body()
    }
}
