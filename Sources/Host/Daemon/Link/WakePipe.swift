import ControlClient
import Foundation

/// A pipe by which other threads wake the one that waits at its end.
struct WakePipe: ~Copyable, Sendable {
    private let reading: Int32
    private let writing: Int32

    init() throws {
        var ends: [Int32] = [-1, -1]
        // Two descriptors, for which the array has room.
        guard unsafe pipe(&ends) == 0 else { throw POSIXError(.init(rawValue: errno) ?? .EMFILE) }
        (reading, writing) = (ends[0], ends[1])
        for end in ends {
            _ = fcntl(end, F_SETFL, O_NONBLOCK)
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
        }
    }

    deinit {
        close(reading)
        close(writing)
    }

    func ring() {
        var byte: UInt8 = 1
        // A full pipe wakes as well.
        _ = unsafe write(writing, &byte, 1)
    }

    func clear() {
        var bytes = [UInt8](repeating: 0, count: 256)
        while unsafe read(reading, &bytes, bytes.count) > 0 {}
    }

    /// Waits until it rings, one of the descriptors can be read, or the time is over; returns whether a descriptor can be.
    @discardableResult
    func wait(for descriptors: [Int32], _ limit: Duration) -> Bool {
        var entries = ([reading] + descriptors).map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
        // Less than none would be without end.
        let milliseconds = min(max(limit + .microseconds(999), .zero) / Duration.milliseconds(1), 1e6)
        // As many entries as the array has.
        _ = unsafe poll(&entries, nfds_t(entries.count), Int32(milliseconds))
        return entries.dropFirst().contains { $0.revents != 0 }
    }
}
