import Foundation

/// UNIX stream sockets, by path.
package enum UnixSocket {
    package static func connect(_ path: String) throws(LinkError) -> Int32 {
        let (descriptor, address) = try make(path)
        let result = unsafe withAddress(address) { pointer, size in
            unsafe Glibc.connect(descriptor, pointer, size)
        }
        guard result == 0 else {
            let reason = systemError()
            close(descriptor)
            throw .unreachable(path: path, reason: reason)
        }
        return descriptor
    }

    /// Whether a process listens at `path`, also one that takes no connections: it is not waited for.
    private static func isServed(_ path: String) throws(LinkError) -> Bool {
        let (descriptor, address) = try make(path)
        defer { close(descriptor) }
        _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
        let result = unsafe withAddress(address) { pointer, size in
            unsafe Glibc.connect(descriptor, pointer, size)
        }
        // unix(7): as many wait to be taken as may wait.
        return result == 0 || errno == EAGAIN
    }

    /// Listens at `path`, which only the same user may connect to. A socket that a dead process left there is replaced;
    /// one that is still served is not. Between looking and listening another process can do the same: who must be the only
    /// one holds a lock.
    /// - Parameter backlog: connections that wait to be taken at most.
    package static func listen(_ path: String, backlog: Int32 = 16) throws(LinkError) -> Int32 {
        if try isServed(path) { throw .alreadyServed(path: path) }
        let (descriptor, address) = try make(path)
        unsafe unlink(path)
        var result = unsafe withAddress(address) { pointer, size in unsafe bind(descriptor, pointer, size) }
        if result == 0 { result = unsafe chmod(path, 0o600) }
        if result == 0 { result = Glibc.listen(descriptor, backlog) }
        guard result == 0 else {
            let reason = systemError()
            close(descriptor)
            throw .unreachable(path: path, reason: reason)
        }
        return descriptor
    }

    private static func make(_ path: String) throws(LinkError) -> (Int32, sockaddr_un) {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        let fits = unsafe withUnsafeMutableBytes(of: &address.sun_path) { field in
            guard bytes.count < field.count else { return false }
            unsafe field.copyBytes(from: bytes)
            return true
        }
        guard fits else { throw .pathTooLong(path: path) }
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw .unreachable(path: path, reason: systemError()) }
        return (descriptor, address)
    }

    /// The socket calls want a `sockaddr`; a `sockaddr_un` of the right family and size is one.
    private static func withAddress(
        _ address: sockaddr_un, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
    ) -> Int32 {
        unsafe withUnsafePointer(to: address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
    }
}
