/// What a guest writes, made harmless for whoever's terminal it is shown on: text, tabs and line ends stay; what moves the cursor,
/// changes the terminal or makes it answer does not. Keeps its state between pieces.
public struct ConsoleFilter: Sendable {
    private enum State: Sendable {
        case text
        /// Behind ESC.
        case escape
        /// A control sequence (ECMA-48, section 5.4), which a letter or the like ends.
        case sequence
        /// A control string (section 5.6), which BEL or ESC \ ends; and ESC within one.
        case string, stringEscape
        /// So many bytes of a character in UTF-8 are to come.
        case character(Int)
    }
    private var state = State.text
    private var pending: [UInt8] = []

    public init() {}

    public mutating func take(_ bytes: some Sequence<UInt8>) -> [UInt8] {
        var shown: [UInt8] = []
        for byte in bytes { take(byte, &shown) }
        return shown
    }

    private mutating func take(_ byte: UInt8, _ shown: inout [UInt8]) {
        switch state {
        case .text: begin(byte, &shown)
        case .escape:
            switch byte {
            case UInt8(ascii: "["): state = .sequence
            // OSC, DCS, SOS, PM, APC.
            case UInt8(ascii: "]"), UInt8(ascii: "P"), UInt8(ascii: "X"), UInt8(ascii: "^"), UInt8(ascii: "_"):
                state = .string
            case 0x1B: break
            // Intermediate bytes: one more byte is to come.
            case 0x20...0x2F: break
            default: state = .text
            }
        case .sequence:
            switch byte {
            case 0x20...0x3F: break
            case 0x1B: state = .escape
            case 0x40...0x7E: state = .text
            // A control character within a sequence takes effect on its own.
            case 0x0A, 0x0D: shown.append(byte)
            default: break
            }
        case .string:
            if byte == 0x1B { state = .stringEscape } else if byte == 0x07 { state = .text }
        case .stringEscape: state = byte == UInt8(ascii: "\\") ? .text : byte == 0x1B ? .stringEscape : .string
        case .character(let left):
            guard byte & 0xC0 == 0x80 else {
                shown.append(UInt8(ascii: "?"))
                pending = []
                state = .text
                return begin(byte, &shown)
            }
            pending.append(byte)
            guard left == 1 else { return state = .character(left - 1) }
            // U+0080 to U+009F are the control characters of eight bits; overlong forms and surrogates are none at all.
            let character = String(validating: pending, as: UTF8.self)?.unicodeScalars.first
            shown += character.map { $0.value >= 0xA0 } == true ? pending : [UInt8(ascii: "?")]
            pending = []
            state = .text
        }
    }

    private mutating func begin(_ byte: UInt8, _ shown: inout [UInt8]) {
        switch byte {
        case 0x09, 0x0A, 0x0D, 0x20...0x7E: shown.append(byte)
        case 0x1B: state = .escape
        case 0xC2...0xF4:
            pending = [byte]
            state = .character(byte < 0xE0 ? 1 : byte < 0xF0 ? 2 : 3)
        case 0x80...0xFF: shown.append(UInt8(ascii: "?"))
        default: break
        }
    }
}
