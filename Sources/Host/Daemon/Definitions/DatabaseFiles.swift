import Foundation

/// The files of a SQLite database, which are its user's and which nobody else reads.
enum DatabaseFiles {
    /// Makes the database's file if there is none, and keeps it from others. SQLite gives its journals the same mode; those that are
    /// there already are changed too.
    static func keepFromOthers(database path: String) throws(ExposedFile) {
        let made = unsafe open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        if made >= 0 { close(made) }
        for file in [path, path + "-wal", path + "-shm", path + "-journal"] { try keepFromOthers(file) }
    }

    /// Takes from others what they may do to a file, if it is there. A link is not followed: it may lead to any file.
    static func keepFromOthers(_ file: String) throws(ExposedFile) {
        var status = stat()
        // The structure is one of the call's own kind.
        guard unsafe lstat(file, &status) == 0 else {
            if errno == ENOENT { return }
            throw ExposedFile(path: file, number: errno)
        }
        // glibc and the kernel have several answers for a link: none is asked for.
        guard status.st_mode & S_IFMT != S_IFLNK else { throw ExposedFile(path: file, number: ELOOP) }
        // Its owner could write into it and open it to others again. Root would not notice: it may change any mode.
        guard status.st_uid == geteuid() else { throw ExposedFile(path: file, number: EPERM) }
        // What nobody else can read need not be one whose mode can be changed.
        guard status.st_mode & 0o077 != 0 else { return }
        guard unsafe fchmodat(AT_FDCWD, file, 0o600, AT_SYMLINK_NOFOLLOW) != 0, errno != ENOENT else { return }
        throw ExposedFile(path: file, number: errno)
    }
}

/// A file of the database's that cannot be kept from others.
struct ExposedFile: Error, Equatable, CustomStringConvertible {
    let path: String
    /// The system's reason. `ELOOP`: it is a link. `EPERM`: it is another user's, or its mode cannot be changed.
    let number: Int32

    var description: String {
        if number == ELOOP {
            return "\(path) is a link, and is not followed. Remove it, or name the file's own folder (--state-dir)."
        }
        // strerror's answer stays valid until the next call; it is copied here.
        let reason = unsafe String(cString: strerror(number))
        return "\(path) cannot be kept from others: \(reason). It has to belong to the daemon's user and to "
            + "have mode 600 (chown, chmod); or use another --state-dir."
    }
}
