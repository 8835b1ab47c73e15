import ManifestRules
import Reports
import Testing

@Suite struct QuantityTests {
    @Test(arguments: [
        (0, "0 B"), (1023, "1023 B"), (1024, "1 KiB"), (1_000_000, "976 KiB"), (512 << 20, "512 MiB"),
        (3 << 30, "3 GiB"), (1536 << 20, "1536 MiB"), (UInt64.max, "16777215 TiB"),
    ]) func bytes(_ count: UInt64, _ words: String) { #expect(Quantity.bytes(count) == words) }

    @Test(arguments: [
        (0, "0.0 ms"), (41_390, "41.3 ms"), (999_999, "999.9 ms"), (12_590_000, "12.5 s"), (60_000_000, "0:01:00"),
        (11_232_000_000, "3:07:12"),
    ]) func times(_ microseconds: UInt64, _ words: String) { #expect(Quantity.time(microseconds) == words) }

    @Test(arguments: [(0, ""), (1, "0"), (0b100111, "0-2,5"), (1 << 63, "63"), (UInt64.max, "0-63")])
    func cores(_ mask: UInt64, _ words: String) { #expect(Quantity.cores(mask) == words) }

    @Test(arguments: [(7.9, "0:07"), (3599.9, "59:59"), (11232, "3:07:12")])
    func clocks(_ seconds: Double, _ words: String) { #expect(Quantity.clock(seconds) == words) }

    @Test(
        arguments: [
            ("90", 90), ("90s", 90), ("2m", 120), ("1h", 3600), ("", nil), ("s", nil), ("-1s", nil), ("1d", nil),
            ("9223372036854775807h", nil), ("1.5m", nil),
        ] as [(String, Int?)])
    func secondsAreRead(_ text: String, _ seconds: Int?) { #expect(Quantity.seconds(text) == seconds) }

    @Test func whatSteersATerminalIsNotPrinted() {
        #expect(printable("a\u{1B}[2J\n\u{9B}1m\u{E9}") == "a?[2J??1m\u{E9}")
        // Right to left, and what takes no room.
        #expect(printable("gpj.\u{202E}exe\u{200B}\u{2028}") == "gpj.?exe??")
        #expect(printable("one\n\ttwo\r\u{7}", lines: true) == "one\n\ttwo??")
    }
}
