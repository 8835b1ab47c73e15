import ControlClient
import Foundation
import Machines

/// A serial port of an emulated machine: a UNIX socket that QEMU serves. Used by one thread.
final class ConsoleSocket {
    private let line: ByteStream
    private var splitter = LineSplitter()

    /// Waits until QEMU serves it, at most 10 s by the clock.
    init(_ path: URL, _ clock: some WaitClock) throws {
        let deadline = Deadline(clock, after: .seconds(10))
        while true {
            do {
                line = try ByteStream.open(path.path)
                return
            } catch {
                guard !deadline.isOver else { throw error }
                Thread.sleep(forTimeInterval: 0.05)
            }
        }
    }

    /// Types a line.
    func type(line text: String) throws { try line.send(Array(text.utf8) + [0x0D]) }

    /// The lines that were finished since the last call; waits for bytes, at most `timeout`.
    func lines(timeout: Duration) throws -> [String] { splitter.take(try line.receive(timeout: timeout)) }

    static func device(_ name: String, in folder: URL) -> [String] {
        ["-chardev", "socket,id=\(name),path=\(folder.appending(path: name).path),server=on,wait=off"]
    }
}
