import Foundation
import Machines

/// Calls on several connections at a time: on each the next one is sent when the last is answered.
struct CallLoop {
    let connections: [BenchConnection]

    /// - Parameters:
    ///   - request: what is called, again and again.
    ///   - seconds: after so many no call is sent any more.
    ///   - processorTime: nanoseconds that the server has taken so far.
    /// - Throws: `MachineError` where a call is not answered, or by an error.
    func run(
        _ request: BenchRequest, seconds: Double, processorTime: () -> UInt64
    ) throws(MachineError) -> CallStatistics {
        var entries = connections.map { pollfd(fd: $0.descriptor, events: Int16(POLLIN), revents: 0) }
        var taken: [UInt32] = []
        let before = processorTime()
        let start = BenchConnection.now, end = start + UInt64(seconds * 1e9)
        var last = start, waiting = connections.count
        for connection in connections { try connection.send(request) }
        while waiting > 0 {
            // As many entries as there are.
            guard unsafe poll(&entries, nfds_t(entries.count), BenchConnection.mostSeconds * 1000) > 0 else {
                throw .impossible("a call was not answered in \(BenchConnection.mostSeconds) s")
            }
            for index in entries.indices where entries[index].revents != 0 {
                let connection = connections[index]
                guard try connection.receive() != nil else { continue }
                last = BenchConnection.now
                taken.append(UInt32(clamping: last - connection.sent))
                if last < end { try connection.send(request) } else { waiting -= 1 }
            }
        }
        let after = processorTime()
        return CallStatistics(
            nanoseconds: taken, seconds: Double(last - start) / 1e9, processor: after > before ? after - before : 0)
    }
}
