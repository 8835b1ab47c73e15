import Text

/// Why nothing was started, in one line. It is small: whoever passes it on copies no line.
struct Refusal: Error {
    private let words: StaticString
    private let detail: StaticString?

    /// EFI_UNSUPPORTED.
    static let efiStatus: UInt64 = 0x8000_0000_0000_0003
    /// The line of a refusal that is more than words: there is one at the most, at boot, when the program is writable.
    nonisolated(unsafe) private static var line = Text<200>()

    /// `detail` follows the words.
    init(_ words: StaticString, _ detail: StaticString? = nil) { (self.words, self.detail) = (words, detail) }

    /// Only while the machine is set up: the line is kept in the program.
    init(_ line: borrowing LogLine) {
        self.init("")
        unsafe Self.line = line.text
    }

    init(_ error: FirmwareError, _ doing: StaticString) {
        var line = LogLine(doing)
        line.write(": ")
        error.describe(to: &line)
        self.init(line)
    }

    func describe(to line: inout LogLine) {
        line.write(words)
        if let detail { line.write(detail) } else if words.utf8CodeUnitCount == 0 { unsafe line.write(Self.line) }
    }

    @inline(never)
    func print() {
        var line = LogLine("bulkhead: refused: ")
        describe(to: &line)
        SerialPort.log.print(line)
    }
}
