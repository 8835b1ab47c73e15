import ManifestRules

/// Cuts a byte stream into lines of plain text: line ends, carriage returns and terminal control sequences go.
package struct LineSplitter {
    private var bytes: [UInt8] = []

    package init() {}

    /// Longer lines are cut.
    package static let maxLength = 4096

    /// The line that has no end yet.
    package var partial: String { Self.plain(bytes) }

    /// The lines that `input` finished.
    package mutating func take(_ input: [UInt8]) -> [String] {
        var finished: [String] = []
        for byte in input {
            if byte == 0x0A {
                finished.append(Self.plain(bytes))
                bytes.removeAll(keepingCapacity: true)
            } else if bytes.count < Self.maxLength {
                bytes.append(byte)
            }
        }
        return finished
    }

    private static func plain(_ bytes: [UInt8]) -> String {
        var plain: [UInt8] = []
        var sequence = 0
        for byte in bytes {
            // ESC, or ESC [ parameters letter
            if sequence == 1 {
                sequence = byte == 0x5B ? 2 : 0
            } else if sequence == 2 {
                if (0x40...0x7E).contains(byte) { sequence = 0 }
            } else if byte == 0x1B {
                sequence = 1
            } else if byte == 0x08 || byte == 0x7F {
                _ = plain.popLast()
            } else if byte >= 0x20 || byte == 0x09 {
                plain.append(byte)
            }
        }
        // U+0080 to U+009F are control characters too, in two bytes.
        return printable(String(decoding: plain, as: UTF8.self), lines: true)
    }
}
