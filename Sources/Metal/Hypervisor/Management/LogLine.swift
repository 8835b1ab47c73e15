import Manifest
import Synchronization
import Text

/// One line of text under construction; what does not fit is cut.
struct LogLine: ByteSink, ~Copyable {
    private(set) var text = Text<200>()
    /// A type with an atomic in it has an address: without one, every call would copy the line, byte by byte.
    private let pin = Atomic<Bool>(false)

    init(_ words: StaticString, _ number: UInt64 = 0, _ other: UInt64 = 0) { write(words, number, other) }

    /// What is said of a partition.
    init(partition: borrowing Label, _ words: StaticString, _ number: UInt64 = 0) {
        self.init("bulkhead: partition ")
        write(partition)
        write(words, number)
    }

    mutating func put(_ byte: UInt8) { text.append(byte) }

    mutating func write<let n: Int>(_ other: borrowing Text<n>) { writePrintable(other) }
}
