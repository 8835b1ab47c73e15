import ControlClient
import Foundation

/// A connection to an swtpm: it takes one, a socket that is handed over by its control socket (swtpm_ioctls(3), CMD_SET_DATAFD).
struct SoftwareTPMSocket {
    /// Commands go in, and responses come out.
    let data: Int32
    let control: Int32

    static let prefix = "swtpm:"
    private static let setDataDescriptor: UInt32 = 0x10

    /// - Parameter path: `swtpm:` and the control socket.
    /// - Throws: `TPMError.unreachable` or `connected`.
    init(_ path: String) throws(TPMError) {
        do { control = try UnixSocket.connect(String(path.dropFirst(Self.prefix.count))) } catch {
            if case .unreachable(_, let reason) = error { throw .unreachable(path: path, reason: reason) }
            throw .unreachable(path: path, reason: "\(error)")
        }
        var pair: [Int32] = [-1, -1]
        // The array has the two places that the call fills.
        let made = unsafe socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0, &pair)
        guard made == 0 else {
            close(control)
            throw .unreachable(path: path, reason: TPMConnection.systemError)
        }
        let isTaken = Self.give(pair[1], by: control)
        close(pair[1])
        guard isTaken else {
            close(pair[0])
            close(control)
            throw .connected(path: path)
        }
        data = pair[0]
    }

    /// - Returns: whether swtpm has taken it: four zero bytes within 30 s.
    private static func give(_ descriptor: Int32, by control: Int32) -> Bool {
        var command = setDataDescriptor.bigEndian
        // cmsg(3) on a system of 64 bits: length without padding, level and type, the descriptor.
        var rights: [UInt64] = [20, UInt64(SOL_SOCKET) | UInt64(SCM_RIGHTS) << 32, UInt64(descriptor)]
        let controlBytes = rights.count * MemoryLayout<UInt64>.stride
        // Each pointer is used within the closure that gives it, and each length is that of what it points to.
        let sent = unsafe withUnsafeMutableBytes(of: &command) { word in
            unsafe rights.withUnsafeMutableBytes { rights in
                var vector = unsafe iovec(iov_base: word.baseAddress, iov_len: word.count)
                return unsafe withUnsafeMutablePointer(to: &vector) { vector in
                    var message = unsafe msghdr(
                        msg_name: nil, msg_namelen: 0, msg_iov: vector, msg_iovlen: 1, msg_control: rights.baseAddress,
                        msg_controllen: controlBytes, msg_flags: 0)
                    return unsafe sendmsg(control, &message, Int32(MSG_NOSIGNAL))
                }
            }
        }
        guard sent == 4 else { return false }
        var limit = timeval(tv_sec: 30, tv_usec: 0)
        unsafe setsockopt(control, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        var answer: UInt32 = .max
        let got = unsafe withUnsafeMutableBytes(of: &answer) { buffer in
            unsafe recv(control, buffer.baseAddress, buffer.count, Int32(MSG_WAITALL))
        }
        return got == 4 && answer == 0
    }
}
