import Foundation

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
        return RawTerminal(saved: saved)
    }

    deinit {
        var settings = saved
        // What was typed and not read, or what the terminal answered, must not reach the shell.
        unsafe tcsetattr(STDIN_FILENO, TCSAFLUSH, &settings)
    }
}
