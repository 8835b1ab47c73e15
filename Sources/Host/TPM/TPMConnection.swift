import Foundation

/// A TPM 2.0 that commands can be sent to: a device of Linux, or an swtpm. Owned by one thread.
public final class TPMConnection {
    /// The device of Linux that keeps the objects and sessions of several programs apart.
    public static let standardPath = "/dev/tpmrm0"
    /// How long an answer is waited for, in seconds: the making of a key may take 300.
    static let patienceSeconds = 330
    /// How often a command is sent at most where the TPM asks for that.
    static let attempts = 20
    /// The longest response that is read, in bytes.
    static let mostBytes = 4096

    /// How the TPM is called in messages.
    public let path: String
    private let descriptor: Int32
    /// swtpm's control socket, open as long as the connection is.
    private let control: Int32?

    /// - Parameter path: a character device such as `/dev/tpmrm0`, or `swtpm:` and the path of an swtpm's control socket. swtpm has to
    ///   be started (its option `--flags not-need-init,startup-clear`, or by a machine).
    /// - Throws: `TPMError.unreachable`, `notATPM` or `connected`.
    public init(_ path: String) throws(TPMError) {
        self.path = path
        if path.hasPrefix(SoftwareTPMSocket.prefix) {
            let sockets = try SoftwareTPMSocket(path)
            (descriptor, control) = (sockets.data, sockets.control)
            return
        }
        let found = unsafe open(path, O_RDWR | O_CLOEXEC | O_NOCTTY)
        guard found >= 0 else { throw .unreachable(path: path, reason: Self.systemError) }
        var facts = stat()
        guard unsafe fstat(found, &facts) == 0, facts.st_mode & S_IFMT == S_IFCHR, isatty(found) == 0 else {
            close(found)
            throw .notATPM(path: path)
        }
        (descriptor, control) = (found, nil)
    }

    deinit {
        close(descriptor)
        if let control { close(control) }
    }

    /// Sends a command until it is done. One that the TPM asks for once more (TPM_RC_RETRY and the like) is sent 20 times at most, with
    /// pauses of 10 ms, then longer ones up to 1 s.
    /// - Throws: `TPMError.refused` where the TPM says no, and those of `transmit`.
    @discardableResult
    public func run(_ command: TPMCommand) throws(TPMError) -> TPMReply {
        var pause = 0.01
        for _ in 1..<Self.attempts {
            do {
                return try TPMReply(transmit(command.bytes, command.code), to: command.code)
            } catch .refused(_, let code) where code.isTemporary {
                Thread.sleep(forTimeInterval: pause)
                pause = min(pause * 2, 1)
            }
        }
        return try TPMReply(transmit(command.bytes, command.code), to: command.code)
    }

    /// Sends bytes as they are, once.
    /// - Parameter command: what they are, for messages.
    /// - Returns: the response, whatever its code; 10 to 4,096 bytes.
    /// - Throws: `TPMError.failed`, `noAnswer` or `malformed`.
    public func transmit(_ bytes: [UInt8], _ command: TPMCommandCode) throws(TPMError) -> [UInt8] {
        try send(bytes, command)
        // A device hands a response out at once; a socket may do so in pieces.
        var response: [UInt8] = []
        while true {
            let more = try receive(command)
            response += more
            guard response.count >= 10 else { continue }
            let size = Int(response[2]) << 24 | Int(response[3]) << 16 | Int(response[4]) << 8 | Int(response[5])
            guard (10...Self.mostBytes).contains(size), response.count <= size else {
                throw .malformed(command, what: "\(response.count) bytes that say that they are \(size)")
            }
            if response.count == size { return response }
        }
    }

    private func send(_ bytes: [UInt8], _ command: TPMCommandCode) throws(TPMError) {
        var sent = 0
        while sent < bytes.count {
            // The slice's buffer has count bytes. MSG_NOSIGNAL: an swtpm that ended is an error, no signal.
            let (count, failure) = unsafe bytes[sent...].withUnsafeBytes { buffer -> (Int, Int32) in
                let count =
                    control == nil
                    ? unsafe write(descriptor, buffer.baseAddress, buffer.count)
                    : unsafe Glibc.send(descriptor, buffer.baseAddress, buffer.count, Int32(MSG_NOSIGNAL))
                return (count, errno)
            }
            if count < 0, failure == EINTR { continue }
            guard count > 0 else { throw .failed(path: path, command, reason: Self.words(failure)) }
            sent += count
        }
    }

    /// What is there, once something is: one byte at least.
    private func receive(_ command: TPMCommandCode) throws(TPMError) -> [UInt8] {
        let end = ContinuousClock.now + .seconds(Self.patienceSeconds)
        while true {
            var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            let left = max(end - .now, .zero) / Duration.milliseconds(1)
            let ready = unsafe poll(&entry, 1, Int32(left))
            if ready == 0 { throw .noAnswer(path: path, command, seconds: Self.patienceSeconds) }
            var failure = errno, isOver = false
            if ready > 0 {
                let bytes = unsafe [UInt8](unsafeUninitializedCapacity: Self.mostBytes) { buffer, count in
                    // The buffer has the capacity that read is told.
                    let got = unsafe read(descriptor, buffer.baseAddress, buffer.count)
                    count = max(got, 0)
                    (failure, isOver) = (errno, got == 0)
                }
                if !bytes.isEmpty { return bytes }
            }
            if isOver { throw .failed(path: path, command, reason: "nothing more comes") }
            guard failure == EINTR else { throw .failed(path: path, command, reason: Self.words(failure)) }
        }
    }

    static var systemError: String { words(errno) }

    /// The system's words for an error number.
    private static func words(_ number: Int32) -> String {
        // strerror's answer stays valid until the next call; it is copied here.
        unsafe String(cString: strerror(number))
    }
}
