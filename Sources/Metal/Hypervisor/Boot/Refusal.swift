import Manifest
import Text

/// Why nothing was started, in one line.
struct Refusal: Error {
    let text: Text<200>
    /// EFI_UNSUPPORTED.
    static let efiStatus: UInt64 = 0x8000_0000_0000_0003

    init(_ words: StaticString) { text = LogLine(words).text }
    init(_ line: LogLine) { text = line.text }
    init(_ error: FirmwareError, _ doing: StaticString) {
        var line = LogLine(doing)
        line.write(": ")
        error.describe(to: &line)
        text = line.text
    }
}
