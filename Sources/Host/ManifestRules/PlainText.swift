/// Text from a disk, a guest or a machine, made harmless for a terminal: what is no visible character becomes `?`. Control
/// characters move the cursor or make a terminal answer; those that turn the direction of writing, or take no room, deceive.
/// - Parameter lines: line ends and tabs stay.
public func printable(_ text: String, lines: Bool = false) -> String {
    var plain = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
        let stays = isVisible(scalar) || lines && (scalar == "\n" || scalar == "\t")
        plain.append(stays ? scalar : "?")
    }
    return String(plain)
}

/// JSON as harmless for a terminal, and with the same meaning: such characters in its texts become escapes (RFC 8259, section 7).
/// Foundation writes those below U+0020 so, and no other.
public func printableJSON(_ text: String) -> String {
    var plain = ""
    for scalar in text.unicodeScalars {
        if isVisible(scalar) || scalar == "\n" {
            plain.unicodeScalars.append(scalar)
        } else {
            for unit in String(scalar).utf16 {
                let digits = String(unit, radix: 16)
                plain += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            }
        }
    }
    return plain
}

private func isVisible(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned: false
    default: true
    }
}
