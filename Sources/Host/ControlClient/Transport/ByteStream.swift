import Foundation

/// A byte stream to a machine or a broker: a connected UNIX socket, or a serial line in raw mode. Owned by one thread.
public final class ByteStream {
    public let descriptor: Int32
    /// How the stream is called in messages.
    public let path: String
    /// How long `send` waits for a peer that does not read.
    static let sendLimit = Duration.seconds(5)

    /// Takes over an open descriptor and closes it in the end.
    public init(descriptor: Int32, path: String) {
        self.descriptor = descriptor
        self.path = path
        let flags = fcntl(descriptor, F_GETFL)
        _ = fcntl(descriptor, F_SETFL, flags | O_NONBLOCK)
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
    }

    deinit { close(descriptor) }

    /// Opens the UNIX socket or the terminal device at `path`. A serial line is set to 115200 bit/s, 8N1, raw.
    public static func open(_ path: String) throws(LinkError) -> ByteStream {
        ByteStream(descriptor: try openDescriptor(path), path: path)
    }

    static func openDescriptor(_ path: String) throws(LinkError) -> Int32 {
        var status = stat()
        guard unsafe stat(path, &status) == 0 else { throw .unreachable(path: path, reason: systemError()) }
        switch status.st_mode & S_IFMT {
        case S_IFSOCK: return try UnixSocket.connect(path)
        case S_IFCHR where VirtioPortDevice.isPort(status.st_rdev): return try VirtioPortDevice.open(path)
        case S_IFCHR: return try SerialLine.open(path)
        default: throw .notALink(path: path)
        }
    }

    /// Waits until bytes are there and returns them; none when `timeout` passes first.
    public func receive(timeout: Duration) throws(LinkError) -> [UInt8] {
        guard try wait(Int16(POLLIN), timeout) else { return [] }
        return try receiveNow()
    }

    /// The bytes that are there now, at most 4096.
    func receiveNow() throws(LinkError) -> [UInt8] {
        var failure: Int32 = 0
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: 4096) { buffer, count in
            // The buffer has the capacity that read is told.
            let got = unsafe read(descriptor, buffer.baseAddress, buffer.count)
            count = max(got, 0)
            failure = got > 0 ? 0 : got == 0 ? -1 : errno
        }
        switch failure {
        case 0, EAGAIN, EINTR: return bytes
        case -1, ECONNRESET, EIO: throw .closed(path: path)
        default: throw .streamFailed(path: path, reason: systemError(failure))
        }
    }

    /// Sends all of `bytes`.
    public func send(_ bytes: [UInt8]) throws(LinkError) {
        var sent = 0
        while sent < bytes.count {
            let count = try sendNow(bytes[sent...])
            sent += count
            if count == 0, try !wait(Int16(POLLOUT), Self.sendLimit) {
                throw .streamFailed(path: path, reason: "it takes no more bytes")
            }
        }
    }

    /// Sends as many bytes as it takes now; returns how many.
    func sendNow(_ bytes: ArraySlice<UInt8>) throws(LinkError) -> Int {
        // A slice's buffer has count bytes. MSG_NOSIGNAL: a peer that hung up is an error, not a signal.
        let result = unsafe bytes.withUnsafeBytes { (buffer: UnsafeRawBufferPointer) -> (sent: Int, failure: Int32) in
            var sent = unsafe Glibc.send(descriptor, buffer.baseAddress, buffer.count, Int32(MSG_NOSIGNAL))
            if sent < 0, errno == ENOTSOCK { sent = unsafe write(descriptor, buffer.baseAddress, buffer.count) }
            return (sent, errno)
        }
        if result.sent >= 0 { return result.sent }
        switch result.failure {
        case EAGAIN, EINTR: return 0
        case EPIPE, ECONNRESET, EIO: throw .closed(path: path)
        default: throw .streamFailed(path: path, reason: systemError(result.failure))
        }
    }

    private func wait(_ events: Int16, _ timeout: Duration) throws(LinkError) -> Bool {
        let deadline = ContinuousClock.now + timeout
        while true {
            var entry = pollfd(fd: descriptor, events: events, revents: 0)
            let left = max(deadline - .now, .zero)
            // Rounded up, so that the last millisecond is waited for and not spun through.
            let milliseconds = min((left + .microseconds(999)) / Duration.milliseconds(1), 1e9)
            let ready = unsafe poll(&entry, 1, Int32(milliseconds))
            if ready > 0 { return true }
            if ready == 0 { return false }
            guard errno == EINTR else { throw .streamFailed(path: path, reason: systemError()) }
        }
    }
}

/// The system's words for an error number.
func systemError(_ number: Int32 = errno) -> String {
    // strerror's answer stays valid until the next call; it is copied here.
    unsafe String(cString: strerror(number))
}
