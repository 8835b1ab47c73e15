import Text

/// Why nothing was started, in one line. It is small: whoever passes it on copies no line.
struct Refusal: Error {
    private let words: StaticString
    private let detail: StaticString?
    private let number: UInt64
    /// Whether there was no memory.
    var isShortage = false

    /// EFI_UNSUPPORTED.
    static let efiStatus: UInt64 = 0x8000_0000_0000_0003
    /// The line of a refusal that is more than words: there is one at the most, at boot, when the program is writable.
    nonisolated(unsafe) private static var line = Text<200>()

    /// `detail` follows the words, and in it the number has its place.
    init(_ words: StaticString, _ detail: StaticString? = nil, number: UInt64 = 0) {
        (self.words, self.detail, self.number) = (words, detail, number)
    }

    /// Only while the machine is set up: the line is kept in the program.
    init(_ line: borrowing LogLine) {
        self.init("")
        unsafe Self.line = line.text
    }

    /// What is wrong with a PCI function; the words have a place for the number, if it says anything.
    init(function requester: UInt16, _ words: StaticString, _ number: UInt64 = 0) {
        var line = LogLine("PCI function %x (requester id)", UInt64(requester))
        line.write(words, number)
        self.init(line)
    }

    /// The same, with what was being done before it.
    func during(_ doing: StaticString, isShortage: Bool = false) -> Refusal {
        var line = LogLine(doing)
        line.write(": ")
        describe(to: &line)
        var refusal = Refusal(line)
        refusal.isShortage = self.isShortage || isShortage
        return refusal
    }

    func describe(to line: inout LogLine) {
        if words.utf8CodeUnitCount == 0 { unsafe line.write(Self.line) }
        line.write(words)
        if let detail { line.write(detail, number) }
    }

    @inline(never)
    func print() {
        var line = LogLine("bulkhead: refused: ")
        describe(to: &line)
        BootLog.print(line)
    }
}
