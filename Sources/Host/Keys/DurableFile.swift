import Foundation

/// Files that are whole and on the disk when they are there at all.
enum DurableFile {
    /// How a name begins that a file has until it is whole. `KeyFolder.locked` removes what a killed program has left.
    static let partialPrefix = ".bulkhead-partial-"

    /// A new file beside the old one, on the disk before it takes its place; then the folder, in which the place is. Nobody can
    /// have laid a file or a link in the new one's way: its name is random, and what is there already is not opened.
    /// - Parameter suffix: of the new one's name, until it takes the old one's place.
    static func replace(
        _ file: URL, _ content: Data, mode: mode_t = 0o600,
        by suffix: String = String(UInt64.random(in: .min ... .max), radix: 16)
    ) throws(KeyError) {
        let folder = file.deletingLastPathComponent()
        let partial = folder.appending(path: partialPrefix + suffix)
        let flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC
        let descriptor = unsafe open(partial.path, flags, mode)
        guard descriptor >= 0 else { throw .system("\(partial.path) cannot be written: \(systemError)") }
        giveToOwner(of: folder, descriptor)
        var isWritten = true
        var rest = content
        while !rest.isEmpty, isWritten {
            let count = unsafe rest.withUnsafeBytes { unsafe Foundation.write(descriptor, $0.baseAddress, $0.count) }
            if count > 0 { rest = Data(rest.dropFirst(count)) } else if errno != EINTR { isWritten = false }
        }
        isWritten = fsync(descriptor) == 0 && isWritten
        close(descriptor)
        guard isWritten, unsafe rename(partial.path, file.path) == 0 else {
            let error = systemError
            unsafe unlink(partial.path)
            throw .system("\(file.path) cannot be written: \(error)")
        }
        try synchronize(folder)
    }

    /// Moves a file or a folder; both places are on the disk when it returns.
    static func move(_ file: URL, to target: URL) throws(KeyError) {
        guard unsafe rename(file.path, target.path) == 0 else {
            if [EEXIST, ENOTEMPTY, ENOTDIR].contains(errno) { throw .exists(file: target.path) }
            throw .system("\(file.path) cannot become \(target.path): \(systemError)")
        }
        try synchronize(target.deletingLastPathComponent())
        try synchronize(file.deletingLastPathComponent())
    }

    static func makeFolder(_ folder: URL) throws(KeyError) {
        do {
            try FileManager.default.createDirectory(
                at: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch { throw .system("\(folder.path) cannot be made: \(systemError)") }
        let descriptor = unsafe open(folder.path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        defer { if descriptor >= 0 { close(descriptor) } }
        giveToOwner(of: folder.deletingLastPathComponent(), descriptor)
        try synchronize(folder.deletingLastPathComponent())
    }

    static func synchronize(_ folder: URL) throws(KeyError) {
        let descriptor = unsafe open(folder.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        defer { if descriptor >= 0 { close(descriptor) } }
        guard descriptor >= 0, fsync(descriptor) == 0 else {
            throw .system("\(folder.path) cannot be synchronized: \(systemError)")
        }
    }

    /// With sudo a file becomes the user's whose folder it is in, who could not read it otherwise. Not one that has another name
    /// too: that user may have given it this one.
    static func giveToOwner(of folder: URL, _ descriptor: CInt) {
        var facts = stat(), file = stat()
        guard descriptor >= 0, geteuid() == 0, unsafe stat(folder.path, &facts) == 0, facts.st_uid != 0,
            unsafe fstat(descriptor, &file) == 0
        else { return }
        let kind = file.st_mode & S_IFMT
        guard kind == S_IFDIR || kind == S_IFREG && file.st_nlink == 1 else { return }
        _ = fchown(descriptor, facts.st_uid, facts.st_gid)
    }

    /// The content of a file below a folder. No link in between is followed, and what is no file is not waited for: the folder may be
    /// another user's, who would have root read for him what he may not.
    /// - Throws: `KeyError.damaged`.
    static func read(_ path: String, in folder: URL) throws(KeyError) -> Data {
        var found = unsafe open(folder.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        for part in path.split(separator: "/") {
            let next = unsafe openat(found, String(part), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
            if found >= 0 { close(found) }
            found = next
        }
        var facts = stat()
        guard found >= 0 else { throw .damaged(file: folder.appending(path: path).path) }
        let handle = FileHandle(fileDescriptor: found, closeOnDealloc: true)
        guard unsafe fstat(found, &facts) == 0, facts.st_mode & S_IFMT == S_IFREG,
            let content = try? handle.readToEnd() ?? Data()
        else { throw .damaged(file: folder.appending(path: path).path) }
        return content
    }

    /// Whether there is anything of this name, be it a link to nowhere.
    static func isThere(_ file: URL) -> Bool {
        var facts = stat()
        return unsafe lstat(file.path, &facts) == 0 || errno != ENOENT
    }

    static var systemError: String { unsafe String(cString: strerror(errno)) }
}
