import Reports
import Testing

/// A guest cannot do to a user's terminal what it likes.
@Suite struct ConsoleFilterTests {
    func filtered(_ text: String) -> String {
        var filter = ConsoleFilter()
        return String(decoding: filter.take(Array(text.utf8)), as: UTF8.self)
    }

    @Test(
        arguments: [
            ("plain text\r\n\tand more", "plain text\r\n\tand more"), ("grün – ✓ 🚀", "grün – ✓ 🚀"),
            // Queries, which the terminal would answer as if they were typed: position, identity, title, colours.
            ("a\u{1B}[6nb\u{1B}[cc\u{1B}[0cd\u{1B}[21te", "abcde"), ("\u{1B}]11;?\u{7}x\u{1B}]4;1;?\u{1B}\\y", "xy"),
            ("\u{1B}P$qm\u{1B}\\z", "z"),
            // Modes that stay: the other screen, mouse reports, a hidden cursor, a title, a clipboard.
            ("\u{1B}[?1049h\u{1B}[?1000h\u{1B}[?25l1", "1"), ("\u{1B}]0;title\u{7}2", "2"),
            ("\u{1B}]52;c;cm0gLXJmIC8=\u{7}3", "3"), ("\u{1B}c\u{1B}(0\u{1B}#84", "4"),
            ("\u{1B}[31mred\u{1B}[0m", "red"), ("\u{7}\u{8}\u{0}\u{7F}5", "5"),
            // Control characters of eight bits.
            ("\u{9B}6n\u{9D}x", "?6n?x"), ("\u{1B}\u{1B}[1m6", "6"), ("\u{1B}[12\n34m7", "\n7"),
        ]) func harmless(text: String, shown: String)
    {
        #expect(filtered(text) == shown)
        // In pieces of one byte it is the same.
        var filter = ConsoleFilter()
        #expect(Array(text.utf8).flatMap { filter.take([$0]) } == Array(shown.utf8))
    }

    @Test func whatIsNoText() {
        var filter = ConsoleFilter()
        #expect(filter.take([0xFF, 0xC0, 0x80, 0x41]) == Array("???A".utf8))
        #expect(filter.take([0xE2, 0x82]) == [])
        #expect(filter.take([0x41]) == Array("?A".utf8))
        #expect(filter.take([0xED, 0xA0, 0x80]) == Array("?".utf8))
    }

    /// Whatever comes, nothing but text goes out.
    @Test func anything() {
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<200 {
            var filter = ConsoleFilter()
            let bytes = (0..<400).map { _ in UInt8.random(in: 0...255, using: &generator) }
            let shown = filter.take(bytes)
            #expect(String(validating: shown, as: UTF8.self) != nil)
            let controls = String(decoding: shown, as: UTF8.self).unicodeScalars.filter {
                $0.value < 0x20 && ![9, 10, 13].contains($0.value) || 0x7F...0x9F ~= $0.value
            }
            #expect(controls.isEmpty)
        }
    }
}
