import Reports
import Testing

@Suite struct ScreenLineTests {
    @Test func narrowTerminals() {
        #expect(
            ScreenLine.cut("one two", 3) == "one" && ScreenLine.cut("one", 80) == "one"
                && ScreenLine.cut("one", 0) == "")
        // A bar that is reversed ends, however little of it is shown.
        #expect(ScreenLine.cut("\u{1B}[7m partition \u{1B}[0m", 5) == "\u{1B}[7m part\u{1B}[0m")
        #expect(ScreenLine.cut("\u{1B}[1;31mab\u{1B}[0mcd", 3) == "\u{1B}[1;31mab\u{1B}[0mc")
    }

    /// Nothing is lost where a line is broken, and what just fits is not.
    @Test func longLines() {
        #expect(ScreenLine.broken("abcdefg", 3) == ["abc", "def", "g"])
        #expect(ScreenLine.broken("abcdef", 3) == ["abc", "def"] && ScreenLine.broken("ab", 3) == ["ab"])
        #expect(ScreenLine.broken("", 3) == [] && ScreenLine.broken("ab", 0) == ["a", "b"])
    }

    /// What is two columns wide does not lie across the edge.
    @Test func wideCharacters() {
        #expect(ScreenLine.cut("\u{65E5}\u{672C}", 3) == "\u{65E5}" && ScreenLine.cut("\u{65E5}\u{672C}", 4).count == 2)
        #expect(ScreenLine.cut("\u{1F600}x", 2) == "\u{1F600}")
        #expect(ScreenLine.cut("e\u{301}x", 1) == "e\u{301}")
    }
}
