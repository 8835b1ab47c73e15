import Foundation
import Synchronization

/// The terminal that the tool runs on.
enum Terminal {
    /// Ctrl-]: leaves a guest's console.
    static let detachKey: UInt8 = 0x1D

    static var isOutput: Bool { isatty(STDOUT_FILENO) == 1 }
    static var isInteractive: Bool { isatty(STDIN_FILENO) == 1 && isOutput }

    /// Whether it knows no control sequences, as an editor's window.
    static var isDumb: Bool { ["", "dumb"].contains(ProcessInfo.processInfo.environment["TERM"] ?? "") }
    /// Not where the user wants none (no-color.org).
    static var hasColour: Bool { ProcessInfo.processInfo.environment["NO_COLOR"] ?? "" == "" && !isDumb }

    /// Columns and rows.
    static var size: (columns: Int, rows: Int) {
        var window = winsize()
        guard unsafe ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &window) == 0, window.ws_col > 0, window.ws_row > 0 else {
            return (80, 24)
        }
        return (Int(window.ws_col), Int(window.ws_row))
    }

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

    private static let failed = Atomic(false)
    /// Whether something could not be written.
    static var hasFailed: Bool { failed.load(ordering: .relaxed) }

    static func write(_ bytes: [UInt8]) {
        do { try FileHandle.standardOutput.write(contentsOf: Data(bytes)) } catch {
            failed.store(true, ordering: .relaxed)
        }
    }

    static func write(_ text: String) { write(Array(text.utf8)) }
}
