import Foundation

/// The text of a file that says what may be done on this machine: root's or this user's, and nobody else may write into it.
/// - Throws: `ManifestRefused`, also where it has more than 256 KiB.
package func trustedText(of path: String) throws(ManifestRefused) -> String {
    func refused(_ reason: String) -> ManifestRefused {
        ManifestRefused(problems: [ManifestProblem(file: path, reason: reason)])
    }
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw refused("it cannot be read: \(unsafe String(cString: strerror(errno)))") }
    let handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
    var facts = stat()
    // The structure is one of the call's own kind.
    guard unsafe fstat(descriptor, &facts) == 0, facts.st_mode & S_IFMT == S_IFREG else {
        throw refused("it is no file")
    }
    guard facts.st_mode & 0o022 == 0, facts.st_uid == 0 || facts.st_uid == geteuid() else {
        throw refused(
            "others may write into it: it has to belong to root or to this user, and to nobody else (chmod go-w)")
    }
    guard facts.st_size <= maxFileSize, let data = try? handle.read(upToCount: maxFileSize + 1) else {
        throw refused("it cannot be read, or has more than \(maxFileSize) bytes")
    }
    guard let text = String(bytes: data, encoding: .utf8) else { throw refused("it is not text") }
    return text
}
