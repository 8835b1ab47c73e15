import Glibc
import NIOCore

/// Who is at the other end of a UNIX socket, as the system tells it: who made the connection, whatever he says of himself.
struct PeerIdentity: Equatable, Sendable {
    let uid: UInt32
    let pid: Int32

    /// Asks the system; nil: it does not know.
    static func of(_ channel: Channel, _ done: @escaping (PeerIdentity?) -> Void) {
        guard let provider = channel as? any SocketOptionProvider else { return done(nil) }
        let found: EventLoopFuture<Credentials> = provider.unsafeGetSocketOption(
            level: .socket, name: .init(rawValue: SO_PEERCRED))
        found.assumeIsolated().whenComplete { result in
            done((try? result.get()).map { PeerIdentity(uid: $0.uid, pid: $0.pid) })
        }
    }

    /// The option's own structure, `struct ucred` (unix(7), SO_PEERCRED).
    private struct Credentials: Sendable {
        var pid: Int32 = 0, uid: UInt32 = 0, gid: UInt32 = 0
    }
}
