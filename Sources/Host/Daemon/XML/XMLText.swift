/// Writes XML line by line.
struct XMLText {
    private(set) var text = ""
    private var open: [String] = []

    private var indent: String { String(repeating: "  ", count: open.count) }

    /// `<name a='b'>…</name>` with what a closure writes inside.
    mutating func element(_ name: String, _ attributes: [(String, String)] = [], _ body: (inout Self) -> Void) {
        text += "\(indent)<\(name)\(Self.list(attributes))>\n"
        open.append(name)
        body(&self)
        open.removeLast()
        text += "\(indent)</\(name)>\n"
    }

    /// `<name a='b'>text</name>`, or `<name a='b'/>` without a text.
    mutating func leaf(_ name: String, _ attributes: [(String, String)] = [], _ content: String? = nil) {
        let end = content.map { ">\(Self.escaped($0))</\(name)>" } ?? "/>"
        text += "\(indent)<\(name)\(Self.list(attributes))\(end)\n"
    }

    private static func list(_ attributes: [(String, String)]) -> String {
        attributes.map { " \($0.0)='\(escaped($0.1))'" }.joined()
    }

    static func escaped(_ text: String) -> String {
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
