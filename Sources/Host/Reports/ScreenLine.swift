/// What fits into one line of a terminal.
public enum ScreenLine {
    /// The first columns of a text. Control sequences (ECMA-48, section 5.4) take none and all stay, so that a colour ends; a
    /// character that would lie across the edge goes.
    public static func cut(_ text: String, _ columns: Int) -> String {
        var shown = String.UnicodeScalarView()
        var used = 0
        var isSequence = false
        for scalar in text.unicodeScalars {
            if isSequence {
                shown.append(scalar)
                isSequence = !(0x40...0x7E ~= scalar.value && scalar != "[")
            } else if scalar == "\u{1B}" {
                shown.append(scalar)
                isSequence = true
            } else {
                used += width(scalar)
                if used <= columns { shown.append(scalar) }
            }
        }
        return String(shown)
    }

    /// A text of plain ASCII in pieces of as many columns, the last one of what is left. No piece is empty.
    public static func broken(_ text: String, _ columns: Int) -> [String] {
        stride(from: 0, to: text.count, by: max(columns, 1)).map { String(text.dropFirst($0).prefix(max(columns, 1))) }
    }

    /// Columns of a text without control sequences.
    public static func width(of text: String) -> Int { text.unicodeScalars.reduce(0) { $0 + width($1) } }

    /// Columns of one character: East Asian wide ones and pictures have two (Unicode Standard Annex 11), marks on the letter
    /// before none.
    static func width(_ scalar: Unicode.Scalar) -> Int {
        switch scalar.properties.generalCategory {
        case .nonspacingMark, .enclosingMark: return 0
        default: break
        }
        switch scalar.value {
        case 0x1100...0x115F, 0x2E80...0x303E, 0x3041...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F,
            0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x1F300...0x1F64F, 0x1F680...0x1F6FF, 0x1F900...0x1FAFF,
            0x20000...0x3FFFD:
            return 2
        default: return 1
        }
    }
}
