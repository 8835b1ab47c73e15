import Foundation

/// The terminal that the tool runs on, in raw mode as long as the value lives.
final class ScreenTerminal {
    private var saved = termios()

    static var isInteractive: Bool { isatty(0) == 1 && isatty(1) == 1 }

    init() {
        unsafe tcgetattr(0, &saved)
        var raw = saved
        unsafe cfmakeraw(&raw)
        unsafe tcsetattr(0, TCSANOW, &raw)
    }

    deinit { unsafe tcsetattr(0, TCSADRAIN, &saved) }

    /// Columns and rows.
    var size: (columns: Int, rows: Int) {
        var window = winsize()
        guard unsafe ioctl(1, UInt(TIOCGWINSZ), &window) == 0, window.ws_col > 0, window.ws_row > 0 else {
            return (80, 24)
        }
        return (Int(window.ws_col), Int(window.ws_row))
    }

    /// Keys pressed within `milliseconds`; nil when the terminal has gone.
    func keys(waiting milliseconds: Int32) -> [UInt8]? {
        var entry = pollfd(fd: 0, events: Int16(POLLIN), revents: 0)
        guard unsafe poll(&entry, 1, milliseconds) > 0 else { return [] }
        var buffer = [UInt8](repeating: 0, count: 256)
        let count = unsafe read(0, &buffer, buffer.count)
        return count > 0 ? Array(buffer[..<count]) : nil
    }

    func write(_ text: String) { FileHandle.standardOutput.write(Data(text.utf8)) }
    func write(_ bytes: [UInt8]) { FileHandle.standardOutput.write(Data(bytes)) }
}
