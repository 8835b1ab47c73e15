import Manifest
import Text

/// One line of text under construction; what does not fit is cut.
struct LogLine: ByteSink {
    private(set) var text = Text<200>()

    init(_ words: StaticString) { write(words) }

    mutating func put(_ byte: UInt8) { text.append(byte) }

    mutating func write<let n: Int>(_ other: Text<n>) { writePrintable(other) }
}
