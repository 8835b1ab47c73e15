import Foundation

/// Shares one machine's link among several tools. QEMU's socket, and a serial line, take one manager at a time; a broker
/// holds that end and offers a UNIX socket on which each tool speaks the same protocol as if it were alone.
///
/// Requests are passed on one at a time, the tools in turn, with sequence numbers of the broker's own; events go to each
/// tool that asked for them. Consoles need no sharing: each tool reads from a position of its own. What changes something
/// is held back until the machine has answered once, so that nothing asked of a booting machine happens minutes later.
public final class LinkBroker: Sendable {
    /// Where tools connect. The socket is removed when the broker ends.
    public let path: String
    private let wakeup: FileHandle
    private let finished = DispatchSemaphore(value: 0)

    /// How long the machine may take.
    public struct Timeouts: Sendable {
        /// What both are measured by.
        public var clock: any WaitClock = HostClock()
        /// A request is sent again when no reply came in this time.
        public var resendAfter = Duration.milliseconds(500)
        /// A request is given up, and answered with `noAnswer`, after this time.
        public var giveUpAfter = Duration.seconds(3)
        public init() {}
    }

    /// Connects to the machine at `machine` (UNIX socket or serial line) and serves tools at the UNIX socket `path`, on a
    /// thread of its own, until `stop` or until the machine hangs up.
    public convenience init(machine: String, path: String, timeouts: Timeouts = Timeouts()) throws(LinkError) {
        let descriptor = try ByteStream.openDescriptor(machine)
        try self.init(descriptor: descriptor, machine: machine, path: path, timeouts: timeouts)
    }

    /// The same with an open descriptor, which the broker closes in the end.
    public init(
        descriptor: Int32, machine: String, path: String, timeouts: Timeouts = Timeouts()
    ) throws(LinkError) {
        self.path = path
        let listener: Int32
        do throws(LinkError) {
            listener = try UnixSocket.listen(path)
        } catch {
            close(descriptor)
            throw error
        }
        // A program that is started meanwhile, another machine's emulator, must not keep the writing end open.
        let pipe = Pipe()
        for end in [pipe.fileHandleForReading, pipe.fileHandleForWriting] {
            _ = fcntl(end.fileDescriptor, F_SETFD, FD_CLOEXEC)
        }
        wakeup = pipe.fileHandleForWriting
        let stopped = pipe.fileHandleForReading
        let thread = Thread { [finished] in
            let upstream = BrokerMachine(ByteStream(descriptor: descriptor, path: machine), timeouts)
            BrokerLoop(machine: upstream, listener: listener, wakeup: stopped.fileDescriptor, path: path).run()
            close(listener)
            unsafe unlink(path)
            finished.signal()
        }
        thread.name = "link broker"
        thread.start()
    }

    /// Ends the broker: tools that wait are told, the socket is removed.
    public func stop() {
        try? wakeup.close()
        finished.wait()
        finished.signal()
    }

    /// Whether the broker has ended, because the machine hung up or `stop` was called.
    public var hasEnded: Bool {
        guard finished.wait(timeout: .now()) == .success else { return false }
        finished.signal()
        return true
    }
}
