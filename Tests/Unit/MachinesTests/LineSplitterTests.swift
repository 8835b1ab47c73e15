import Testing

@testable import Machines

/// What a guest prints reaches a terminal as text.
@Suite struct LineSplitterTests {
    func line(_ text: String) -> [String] {
        var splitter = LineSplitter()
        return splitter.take(Array(text.utf8))
    }

    @Test func whatSteersATerminalGoes() {
        #expect(line("\u{1B}[2Jlogin:\tx\r\n") == ["login:\tx"])
        // Control characters of two bytes in UTF-8, and what turns the direction of writing.
        #expect(line("a\u{9B}2Jb\u{90}q\u{9C}\u{202E}c\n") == ["a?2Jb?q??c"])
        #expect(line("caf\u{E9}\n") == ["caf\u{E9}"])
    }
}
