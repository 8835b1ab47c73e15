import Manifest
import Synchronization
import Text

/// One line of text under construction; what does not fit is cut.
struct LogLine: ByteSink, ~Copyable {
    private(set) var text = Text<200>()
    /// A type with an atomic in it has an address: without one, every call would copy the line, byte by byte.
    private let pin = Atomic<Bool>(false)

    init(_ words: StaticString, _ number: UInt64 = 0, _ other: UInt64 = 0) { write(words, number, other) }

    init(_ words: StaticString, _ detail: StaticString) {
        self.init(words)
        write(detail)
    }

    /// What is said of something that has a name.
    init<let n: Int>(_ words: StaticString, _ name: borrowing Text<n>, _ rest: StaticString, _ number: UInt64 = 0) {
        self.init(words)
        write(name)
        write(rest, number)
    }

    init(partition: borrowing Label, _ words: StaticString, _ number: UInt64 = 0) {
        self.init("bulkhead: partition ", partition, words, number)
    }

    mutating func put(_ byte: UInt8) { text.append(byte) }

    mutating func write<let n: Int>(_ other: borrowing Text<n>) { writePrintable(other) }
}
