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
        try reader.nodes.finish()
    }

    /// - Throws: `ManifestRefused`; also where others than its owner may write into it.
    public init(contentsOf path: String) throws(ManifestRefused) { try self.init(trustedText(of: path), file: path) }

    /// The uids of those who have none: of another namespace, and of nobody.
    public static let nobody: Set<UInt32> = [65534, .max]

    /// A user's number as it is written, without a sign.
    static func uid(_ text: String) -> UInt32? { parseNumber(text).flatMap { UInt32(exactly: $0) } }

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
