import Foundation

/// An open file of the system; closed with the last reference.
final class Descriptor: Sendable {
    let number: Int32

    init(_ number: Int32) {
        self.number = number
        _ = fcntl(number, F_SETFD, FD_CLOEXEC)
    }

    deinit { close(number) }

    func makeNonblocking() { _ = fcntl(number, F_SETFL, fcntl(number, F_GETFL) | O_NONBLOCK) }

    /// The next connection of a listening socket that does not block; nil when there is none.
    func accept() -> Descriptor? {
        let connection = Glibc.accept(number, nil, nil)
        guard connection >= 0 else { return nil }
        let descriptor = Descriptor(connection)
        descriptor.makeNonblocking()
        return descriptor
    }

    /// What has come: nothing when the other end has closed or failed, nil when there is nothing yet.
    func receive() -> [UInt8]? {
        var failure: Int32 = 0
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: 65536) { buffer, count in
            // The buffer has the capacity that recv is told.
            let got = unsafe recv(number, buffer.baseAddress, buffer.count, 0)
            failure = got < 0 ? errno : 0
            count = max(got, 0)
        }
        return failure == EAGAIN || failure == EINTR ? nil : bytes
    }

    /// Sends what fits now; how many bytes that was, nil when the other end has gone.
    func send(_ bytes: ArraySlice<UInt8>) -> Int? {
        // A slice's buffer has count bytes. MSG_NOSIGNAL: a peer that hung up is an error, not a signal.
        let (sent, failure) = unsafe bytes.withUnsafeBytes { buffer in
            let sent = unsafe Glibc.send(number, buffer.baseAddress, buffer.count, Int32(MSG_NOSIGNAL))
            return (sent, errno)
        }
        if sent >= 0 { return sent }
        return failure == EAGAIN || failure == EINTR ? 0 : nil
    }
}

/// Lets one thread end another's `poll`.
struct Wakeup: Sendable {
    let reader: Descriptor
    private let writer: Descriptor

    init() throws(MachineError) {
        var ends: [Int32] = [0, 0]
        guard unsafe pipe(&ends) == 0 else { throw .program("pipe", status: errno, output: "") }
        (reader, writer) = (Descriptor(ends[0]), Descriptor(ends[1]))
        writer.makeNonblocking()
    }

    /// `reader` is readable from now on.
    func signal() {
        var byte: UInt8 = 0
        _ = unsafe write(writer.number, &byte, 1)
    }
}

extension [pollfd] {
    init(_ wanted: [(descriptor: Descriptor?, events: Int32)]) {
        // A negative number is passed over.
        self = wanted.map { pollfd(fd: $0.descriptor?.number ?? -1, events: Int16($0.events), revents: 0) }
    }

    /// Waits until something is there; false when that failed.
    mutating func wait() -> Bool {
        while true {
            let ready = unsafe poll(&self, nfds_t(count), -1)
            if ready >= 0 { return true }
            if errno != EINTR { return false }
        }
    }
}
