import Foundation

/// A folder that is open. What is done in it is done in this one, whatever its path leads to by now, and by the names of its own
/// entries: no link among them is followed, and what is no file is not waited for. It may be another user's, who lays in it what he
/// likes at any moment: root, working there, does nothing for him that he may not do himself.
///
/// A file in it is whole and on the disk when it is there at all.
final class OpenFolder {
    /// How a name begins that a file has until it is whole. `KeyFolder.locked` removes what a killed program has left.
    static let partialPrefix = ".bulkhead-partial-"
    /// The most bytes of a file that is read. The tree of a key with 20 levels, the most, has 48 MiB; a program that is signed, a few.
    static let mostBytes = 64 << 20

    /// What it was opened by: for messages alone.
    let place: URL
    private(set) var facts: stat
    private let descriptor: CInt

    /// The folder that a path leads to, by links too: whoever named it says so.
    /// - Throws: `KeyError.missing` where there is none.
    convenience init(_ place: URL) throws(KeyError) {
        let found = unsafe open(place.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard found >= 0 else {
            if [ENOENT, ENOTDIR].contains(errno) { throw .missing(file: place.path) }
            throw .system("\(place.path) cannot be opened: \(Self.systemError)")
        }
        try self.init(place, found)
    }

    private init(_ place: URL, _ descriptor: CInt) throws(KeyError) {
        (self.place, self.facts, self.descriptor) = (place, stat(), descriptor)
        try look()
    }

    private func look() throws(KeyError) {
        guard unsafe fstat(descriptor, &facts) == 0 else {
            throw .system("\(place.path) cannot be looked at: \(Self.systemError)")
        }
    }

    deinit { close(descriptor) }

    /// The folder at a path; it is made, and those above it, where there is none.
    static func made(at place: URL) throws(KeyError) -> OpenFolder {
        if isThere(place) { return try OpenFolder(place) }
        return try made(at: place.deletingLastPathComponent()).folder(place.lastPathComponent, mayBeNew: true)
    }

    /// A folder in it.
    /// - Parameter mayBeNew: it is made where there is none.
    func folder(_ name: String, mayBeNew: Bool = false) throws(KeyError) -> OpenFolder {
        let isNew = mayBeNew ? try makeFolder(name) : false
        do throws(KeyError) {
            let folder = try opened(folder: name, isNew: isNew)
            if isNew { try synchronize() }
            return folder
        } catch {
            if isNew { remove(emptyFolder: name) }
            throw error
        }
    }

    /// - Returns: false where there is something of this name.
    func makeFolder(_ name: String) throws(KeyError) -> Bool {
        if unsafe mkdirat(descriptor, name, 0o700) == 0 { return true }
        guard errno == EEXIST else { throw .system("\(path(name)) cannot be made: \(Self.systemError)") }
        // An empty one of root's, which was killed before it could give it away: nobody else can open it.
        guard geteuid() != 0, isAnothers(name), remove(emptyFolder: name) else { return false }
        return try makeFolder(name)
    }

    /// The second half of `folder`. What was made a moment ago may be something else by now: a folder of root's, say, whose name the
    /// user has changed. An empty one becomes the user's, who could as well remove it and make his own; no other does.
    func opened(folder name: String, isNew: Bool) throws(KeyError) -> OpenFolder {
        let folder = try OpenFolder(place.appending(path: name), entry(name, O_RDONLY | O_DIRECTORY))
        // Where others may remove what is not theirs it may be one of theirs, or one that has something in it.
        if isNew, facts.st_mode & 0o022 != 0, facts.st_mode & S_ISVTX == 0 {
            guard [geteuid(), facts.st_uid].contains(folder.facts.st_uid), try folder.names().isEmpty else {
                throw .exposed(folder: place.path)
            }
        }
        // Its mode was 0700.
        guard !isNew || folder.facts.st_mode & 0o022 == 0 else {
            throw .system(
                "\(place.path) lies on a volume that keeps no modes: others may write to what is made there; name a folder elsewhere"
            )
        }
        guard isOthers(folder.facts) else { return try folder.closedToOthers() }
        guard try folder.names().isEmpty else { throw notOwn(name) }
        // Where that cannot be done (no such user in this namespace, a network's folder) it is used as it is.
        giveToOwner(folder.descriptor)
        try folder.look()
        return try folder.closedToOthers()
    }

    /// The same folder.
    /// - Throws: `KeyError.exposed` where others than its owner may write.
    func closedToOthers() throws(KeyError) -> OpenFolder {
        guard facts.st_mode & 0o022 == 0 else { throw .exposed(folder: place.path) }
        return self
    }

    /// A folder whose content counts as its owner's word: root's or this user's.
    static func trusted(_ place: URL) throws(KeyError) -> OpenFolder {
        let folder: OpenFolder
        do { folder = try OpenFolder(place) } catch .missing(let file) { throw .system("there is no folder \(file)") }
        guard [0, geteuid()].contains(folder.facts.st_uid) else {
            throw .system("\(place.path) is neither root's nor this user's, and is not used: make a copy as this user")
        }
        return try folder.closedToOthers()
    }

    /// The content of a file in it.
    /// - Parameters:
    ///   - isScratch: the folder is nobody else's, and whoever may write to a file of it cannot reach it.
    ///   - closed: what others may not have of its mode.
    ///   - ofOwner: it has to be the folder's owner's, root's or this user's.
    /// - Throws: `KeyError.missing` where there is none, `damaged` for what is no file, or a longer one than there can be, `exposed` for
    ///   one that others may write to.
    func read(
        _ name: String, isScratch: Bool = false, closed: mode_t = 0o022, ofOwner: Bool = false
    ) throws(KeyError) -> Data {
        let handle = FileHandle(fileDescriptor: try entry(name, O_RDONLY), closeOnDealloc: true)
        var facts = stat()
        guard unsafe fstat(handle.fileDescriptor, &facts) == 0, facts.st_mode & S_IFMT == S_IFREG else {
            throw .damaged(file: path(name))
        }
        if isOthers(facts) { throw notOwn(name) }
        guard isScratch || facts.st_mode & closed == 0 else { throw .exposed(folder: path(name)) }
        guard !ofOwner || [0, geteuid(), self.facts.st_uid].contains(facts.st_uid) else { throw notOwn(name) }
        guard facts.st_size <= Self.mostBytes else { throw .damaged(file: path(name)) }
        let content: Data
        do { content = try handle.read(upToCount: Self.mostBytes + 1) ?? Data() } catch {
            throw .system("\(path(name)) cannot be read: \(error.localizedDescription)")
        }
        guard content.count <= Self.mostBytes else { throw .damaged(file: path(name)) }
        return content
    }

    /// A new file beside the old one, on the disk before it takes its place; then the folder, in which the place is. What lies in the
    /// new one's way is not opened; its name is random.
    /// - Parameter suffix: of the new one's name, until it takes the old one's place.
    func replace(
        _ name: String, _ content: Data, mode: mode_t = 0o600,
        by suffix: String = String(UInt64.random(in: .min ... .max), radix: 16)
    ) throws(KeyError) {
        let partial = Self.partialPrefix + suffix
        let new = unsafe openat(descriptor, partial, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)
        guard new >= 0 else { throw .system("\(path(partial)) cannot be written: \(Self.systemError)") }
        giveToOwner(new)
        var isWritten = true
        var rest = content
        while !rest.isEmpty, isWritten {
            let count = unsafe rest.withUnsafeBytes { unsafe Foundation.write(new, $0.baseAddress, $0.count) }
            if count > 0 { rest = Data(rest.dropFirst(count)) } else if errno != EINTR { isWritten = false }
        }
        isWritten = fsync(new) == 0 && isWritten
        close(new)
        guard isWritten, unsafe renameat(descriptor, partial, descriptor, name) == 0 else {
            let error = Self.systemError
            remove(file: partial)
            throw .system("\(path(name)) cannot be written: \(error)")
        }
        try synchronize()
    }

    /// Moves a file or a folder; both places are on the disk when it returns.
    func move(_ name: String, to target: OpenFolder, as new: String) throws(KeyError) {
        guard unsafe renameat(descriptor, name, target.descriptor, new) == 0 else {
            if [EEXIST, ENOTEMPTY, ENOTDIR].contains(errno) { throw .exists(file: target.path(new)) }
            throw .system("\(path(name)) cannot become \(target.path(new)): \(Self.systemError)")
        }
        try target.synchronize()
        try synchronize()
    }

    func remove(file name: String) { unsafe unlinkat(descriptor, name, 0) }

    func removeFiles() throws(KeyError) { for file in try names() { remove(file: file) } }

    /// Removes a folder in it and the files of that one.
    /// - Throws: `KeyError.system` where there is more than files in it: it stays.
    func remove(folder name: String) throws(KeyError) {
        try folder(name).removeFiles()
        guard remove(emptyFolder: name) else {
            throw .system("\(path(name)) cannot be removed: \(Self.systemError)")
        }
    }

    /// Whoever made it: it is not opened.
    /// - Returns: false where it is no folder, or not empty.
    @discardableResult
    func remove(emptyFolder name: String) -> Bool { unsafe unlinkat(descriptor, name, AT_REMOVEDIR) == 0 }

    /// A file, made where there is none, for `flock` alone.
    func lock(_ name: String) throws(KeyError) -> CInt {
        let new = unsafe openat(descriptor, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard new < 0 else {
            giveToOwner(new)
            return new
        }
        guard errno == EEXIST else { throw .system("\(path(name)) cannot be made: \(Self.systemError)") }
        // Nothing is read or written: it may be anybody's.
        return try entry(name, O_RDWR)
    }

    func names() throws(KeyError) -> [String] {
        do { return try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd/\(descriptor)") } catch {
            throw .system("\(place.path) cannot be listed: \(error.localizedDescription)")
        }
    }

    /// Whether there is anything of this name, be it a link to nowhere.
    func isThere(_ name: String) -> Bool { Self.isThere(descriptor, name) }
    static func isThere(_ file: URL) -> Bool { isThere(AT_FDCWD, file.path) }
    private static func isThere(_ folder: CInt, _ path: String) -> Bool {
        var facts = stat()
        return unsafe fstatat(folder, path, &facts, AT_SYMLINK_NOFOLLOW) == 0 || errno != ENOENT
    }

    func path(_ name: String) -> String { place.appending(path: name).path }

    private func entry(_ name: String, _ flags: CInt) throws(KeyError) -> CInt {
        let found = unsafe openat(descriptor, name, flags | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
        guard found < 0 else { return found }
        let (error, words) = (errno, Self.systemError)
        switch error {
        case ENOENT: throw .missing(file: path(name))
        // What is no such file is there. All else is this system's trouble, and no reason to call keys lost.
        case ELOOP, ENOTDIR, EISDIR, ENXIO: throw .damaged(file: path(name))
        default:
            if error == EACCES, isAnothers(name) { throw notOwn(name) }
            throw .system("\(path(name)) cannot be opened: \(words)")
        }
    }

    private func synchronize() throws(KeyError) {
        guard fsync(descriptor) == 0 else { throw .system("\(place.path) cannot be synchronized: \(Self.systemError)") }
    }

    /// With sudo, what was just made becomes the user's whose folder it is in, who could not read it otherwise.
    private func giveToOwner(_ new: CInt) {
        if geteuid() == 0, facts.st_uid != 0 { _ = fchown(new, facts.st_uid, facts.st_gid) }
    }

    /// A hard link to what is another user's is as little followed as any other.
    private func isOthers(_ found: stat) -> Bool {
        geteuid() == 0 && facts.st_uid != 0 && found.st_uid != facts.st_uid
    }

    /// Whether there is something of this name that is not of the folder's owner.
    private func isAnothers(_ name: String) -> Bool {
        var found = stat()
        return unsafe fstatat(descriptor, name, &found, AT_SYMLINK_NOFOLLOW) == 0 && found.st_uid != facts.st_uid
    }

    private func notOwn(_ name: String) -> KeyError {
        .system(
            "\(path(name)) is not of the user whose folder it is in, and is not used; if an earlier `sudo bulkhead` made "
                + "it, `sudo chown -R \(facts.st_uid) \(path(name))`")
    }

    static var systemError: String { unsafe String(cString: strerror(errno)) }
}
