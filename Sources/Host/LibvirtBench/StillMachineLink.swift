import Control
import ControlClient
import Foundation
import Machines
import Synchronization

/// Serves a `StillMachine`'s management link on a UNIX socket, to one manager after the other.
final class StillMachineLink: Sendable {
    private let listener: Int32
    private let isOver = Mutex(false)

    /// - Throws: where the socket cannot be made.
    init(_ path: String) throws {
        listener = try UnixSocket.listen(path)
        Thread { [self] in
            while !isOver.withLock({ $0 }) {
                let manager = accept(listener, nil, nil)
                guard manager >= 0 else { continue }
                Self.serve(manager)
                close(manager)
            }
            close(listener)
        }.start()
    }

    /// Ends it once the manager has gone.
    func stop() {
        isOver.withLock { $0 = true }
        shutdown(listener, Int32(SHUT_RDWR))
    }

    private static func serve(_ manager: Int32) {
        var server = ControlServer(), machine = StillMachine()
        var buffer = [UInt8](repeating: 0, count: 512)
        while true {
            let got = unsafe read(manager, &buffer, buffer.count)
            guard got > 0 else { return }
            var input = buffer[..<got], output: [UInt8] = []
            repeat {
                while server.canReceive, let byte = input.popFirst() { server.receive(byte) }
                while server.serve(&machine) { while let byte = server.nextByte() { output.append(byte) } }
            } while !input.isEmpty
            var rest = output[...]
            while !rest.isEmpty {
                let sent = unsafe rest.withUnsafeBytes {
                    unsafe send(manager, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
                }
                guard sent > 0 else { return }
                rest = rest.dropFirst(sent)
            }
        }
    }
}
