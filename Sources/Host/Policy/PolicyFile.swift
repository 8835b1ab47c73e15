import Foundation
import Manifest
import ManifestFile

extension Policy {
    /// Reads a policy's text.
    /// - Parameters:
    ///   - file: what it is called in messages.
    ///   - uid: looks a user's name up.
    /// - Throws: `ManifestRefused` with all that is wrong: of a policy with a fault nothing counts.
    public init(
        _ text: String, file: String, uid: (String) -> FoundUser = Policy.systemUser
    ) throws(ManifestRefused) {
        var reader = PolicyReader(file: file)
        reader.read(try composeYAML(text, file: file), uid, into: &self)
        self.text = text
        guard reader.problems.isEmpty else {
            throw ManifestRefused(problems: reader.problems.sorted { ($0.line ?? 0) < ($1.line ?? 0) })
        }
    }

    /// Bytes of the longest file that is read.
    private static let maxSize = 256 << 10

    /// - Throws: `ManifestRefused`; also where others than its owner may write into it.
    public init(contentsOf path: String) throws(ManifestRefused) {
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
        guard facts.st_size <= Self.maxSize, let data = try? handle.read(upToCount: Self.maxSize + 1) else {
            throw refused("it cannot be read, or has more than \(Self.maxSize) bytes")
        }
        guard let text = String(bytes: data, encoding: .utf8) else { throw refused("it is not text") }
        try self.init(text, file: path)
    }

    /// The uids of those who have none: of another namespace, and of nobody.
    public static let nobody: Set<UInt32> = [65534, .max]

    /// By the system's list of users.
    public static func systemUser(_ name: String) -> FoundUser {
        errno = 0
        // The entry is glibc's until the next call; its number is taken at once.
        if let uid = unsafe getpwnam(name).map({ unsafe $0.pointee.pw_uid }) { return .uid(uid) }
        // What the manual page lists for a name that there is not (getpwnam(3)).
        return [0, ENOENT, ESRCH, EBADF, EPERM].contains(errno) ? .absent : .unknown(errno)
    }
}

/// A name among the system's users.
public enum FoundUser: Equatable, Sendable {
    case uid(UInt32)
    case absent
    /// The list cannot be read, the system's number says why: who has it now may have been given rights.
    case unknown(Int32)
}
