import ControlClient
import Foundation

/// Files beside the sockets and beside the database that a daemon has locked as long as it runs. A lock is had by one process at
/// a time, and by none once it has ended, however that came. The files stay: a lock on one that is removed would keep nobody out.
final class DaemonLocks {
    private var descriptors: [Int32] = []

    /// - Throws: `LinkError.alreadyServed` or `DatabaseInUse` when another daemon has one. Nothing is waited for.
    init(_ configuration: DaemonConfiguration) throws {
        guard try lock(configuration.socket) else { throw LinkError.alreadyServed(path: configuration.socket) }
        guard try lock(configuration.database) else { throw DatabaseInUse(path: configuration.database) }
    }

    deinit { for descriptor in descriptors { close(descriptor) } }

    private func lock(_ path: String) throws -> Bool {
        let descriptor = unsafe open(path + ".lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw LockFailure(path: path + ".lock", number: errno) }
        descriptors.append(descriptor)
        while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
            let number = errno
            if number == EWOULDBLOCK { return false }
            guard number == EINTR else { throw LockFailure(path: path + ".lock", number: number) }
        }
        return true
    }
}

/// Another daemon writes into the database.
struct DatabaseInUse: Error, Equatable, CustomStringConvertible {
    let path: String
    var description: String {
        "\(path) is used by another bulkheadd already. Stop that one first, or use another --state-dir."
    }
}

/// A file cannot be locked.
struct LockFailure: Error, CustomStringConvertible {
    let path: String
    let number: Int32
    // strerror's answer stays valid until the next call; it is copied here.
    var description: String { "\(path) cannot be locked: \(unsafe String(cString: strerror(number)))" }
}
