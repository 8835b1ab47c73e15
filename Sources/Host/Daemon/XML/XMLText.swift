/// Writes XML line by line.
struct XMLText {
    private(set) var text = ""
    /// Two blanks for each element that is open.
    private var indent = ""

    /// `<name a='b'>…</name>` with what a closure writes inside.
    mutating func element(_ name: String, _ attributes: [(String, String)] = [], _ body: (inout Self) -> Void) {
        begin(name, attributes)
        text += ">\n"
        indent += "  "
        body(&self)
        indent.removeLast(2)
        text += indent
        end(name)
    }

    /// `<name a='b'>text</name>`, or `<name a='b'/>` without a text.
    mutating func leaf(_ name: String, _ attributes: [(String, String)] = [], _ content: String? = nil) {
        begin(name, attributes)
        guard let content else { return text += "/>\n" }
        text += ">"
        text += Self.escaped(content)
        end(name)
    }

    // Piece by piece: a text that is put together first is copied once more.
    private mutating func begin(_ name: String, _ attributes: [(String, String)]) {
        text += indent
        text += "<"
        text += name
        for (name, value) in attributes {
            text += " "
            text += name
            text += "='"
            text += Self.escaped(value)
            text += "'"
        }
    }

    private mutating func end(_ name: String) {
        text += "</"
        text += name
        text += ">\n"
    }

    /// `&`, `<`, `>` and both quotes.
    private static let special = Array("&<>'\"".utf8)

    static func escaped(_ text: String) -> String {
        // Nearly all are as they are, and a description has dozens.
        guard text.utf8.contains(where: special.contains) else { return text }
        var result = ""
        for character in text.unicodeScalars {
            switch character {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "'": result += "&apos;"
            case "\"": result += "&quot;"
            default: result.unicodeScalars.append(character)
            }
        }
        return result
    }
}
