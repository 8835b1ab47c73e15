import Control
import Foundation
import Synchronization

/// A `ControlServer` with a `ModelMachine` behind it at one end of a socket pair, on a thread of its own.
final class MachineThread: Sendable {
    /// What goes wrong on the line.
    struct Weather: Sendable {
        /// Bytes on their way to the machine that are lost, from now on.
        var loseRequests = 0
        /// Bytes on their way back that are lost, from now on.
        var loseReplies = 0
        /// Flips a bit of each n-th byte in either direction; 0 never.
        var flipEach = 0
    }

    /// The other end, for a client or a broker.
    let descriptor: Int32
    private let own: Int32
    private let shared = Mutex((machine: ModelMachine(), weather: Weather()))
    private let stopping = Mutex(false)
    private let ended = DispatchSemaphore(value: 0)

    convenience init(_ weather: Weather = Weather()) {
        var ends: [Int32] = [-1, -1]
        socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends)
        self.init(own: ends[0], other: ends[1], weather)
    }

    /// Serves the line at the descriptor `own`, which it closes in the end.
    init(own: Int32, other: Int32 = -1, _ weather: Weather = Weather()) {
        self.own = own
        descriptor = other
        shared.withLock { $0.weather = weather }
        let thread = Thread { [self] in
            run()
            ended.signal()
        }
        thread.start()
    }

    /// Hangs up, as a machine does that is switched off.
    func end() {
        shutdown(own, Int32(SHUT_RDWR))
        stopping.withLock { $0 = true }
        ended.wait()
        close(own)
    }

    func with<R: Sendable>(_ body: (inout ModelMachine) -> R) -> R { shared.withLock { body(&$0.machine) } }

    private func run() {
        var server = ControlServer()
        var buffer = [UInt8](repeating: 0, count: 512)
        var count = 0
        while !stopping.withLock({ $0 }) {
            var entry = pollfd(fd: own, events: Int16(POLLIN), revents: 0)
            // Events may come without a request, so the machine looks around now and then.
            poll(&entry, 1, 5)
            var input: ArraySlice<UInt8> = []
            if entry.revents != 0 {
                let got = read(own, &buffer, buffer.count)
                if got <= 0 { return }
                input = buffer[..<got]
            }
            let output = shared.withLock { shared in
                var output: [UInt8] = []
                repeat {
                    while server.canReceive, let byte = input.popFirst() {
                        count += 1
                        if shared.weather.loseRequests > 0 {
                            shared.weather.loseRequests -= 1
                        } else {
                            server.receive(Self.weathered(byte, count, shared.weather))
                        }
                    }
                    while server.serve(&shared.machine) {
                        while let byte = server.nextByte() {
                            count += 1
                            if shared.weather.loseReplies > 0 {
                                shared.weather.loseReplies -= 1
                            } else {
                                output.append(Self.weathered(byte, count, shared.weather))
                            }
                        }
                    }
                } while !input.isEmpty
                return output
            }
            var sent = 0
            while sent < output.count {
                let count = output[sent...].withUnsafeBytes {
                    let sent = send(own, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
                    return sent < 0 && errno == ENOTSOCK ? write(own, $0.baseAddress, $0.count) : sent
                }
                if count <= 0 { return }
                sent += count
            }
        }
    }

    private static func weathered(_ byte: UInt8, _ count: Int, _ weather: Weather) -> UInt8 {
        weather.flipEach > 0 && count % weather.flipEach == 0 ? byte ^ 0x04 : byte
    }
}
