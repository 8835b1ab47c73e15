import Foundation
import Synchronization

/// Whether the process was asked to end; set by signals, looked at by loops, so that a terminal is always put right.
let endRequested = Atomic(false)

/// The terminal in raw mode, put right again when the value is dropped.
struct RawTerminal: ~Copyable {
    private let saved: termios

    private init(saved: termios) { self.saved = saved }

    /// Nil when standard input is no terminal.
    static func enter() -> RawTerminal? {
        var settings = termios()
        guard isatty(STDIN_FILENO) == 1, unsafe tcgetattr(STDIN_FILENO, &settings) == 0 else { return nil }
        let saved = settings
        unsafe cfmakeraw(&settings)
        guard unsafe tcsetattr(STDIN_FILENO, TCSANOW, &settings) == 0 else { return nil }
        for number in [SIGTERM, SIGHUP, SIGINT] {
            signal(number) { _ in endRequested.store(true, ordering: .relaxed) }
        }
        return RawTerminal(saved: saved)
    }

    deinit {
        var settings = saved
        unsafe tcsetattr(STDIN_FILENO, TCSANOW, &settings)
    }
}

enum Terminal {
    /// What was typed within `timeout` seconds; nil when input has ended.
    static func typed(timeout: Double) -> [UInt8]? {
        var entry = pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)
        guard unsafe poll(&entry, 1, Int32(timeout * 1000)) > 0 else { return [] }
        var ended = false
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: 1024) { buffer, count in
            // The buffer has the capacity that read is told.
            let got = unsafe read(STDIN_FILENO, buffer.baseAddress, buffer.count)
            ended = got == 0 || (got < 0 && errno != EINTR && errno != EAGAIN)
            count = max(got, 0)
        }
        return ended ? nil : bytes
    }

    static func write(_ bytes: [UInt8]) { FileHandle.standardOutput.write(Data(bytes)) }

    static func write(_ text: String) { write(Array(text.utf8)) }
}
