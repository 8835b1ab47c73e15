/// Text from a disk, a guest or a machine, made harmless for a terminal: what is no visible character becomes `?`. Control
/// characters move the cursor or make a terminal answer; those that turn the direction of writing, or take no room, deceive.
/// - Parameter lines: line ends and tabs stay.
public func printable(_ text: String, lines: Bool = false) -> String {
    var plain = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
        switch scalar.properties.generalCategory {
        case .control where lines && (scalar == "\n" || scalar == "\t"): plain.append(scalar)
        case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned:
            plain.append("?")
        default: plain.append(scalar)
        }
    }
    return String(plain)
}
