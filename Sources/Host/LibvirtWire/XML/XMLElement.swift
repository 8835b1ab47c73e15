/// An element with all that is in it, and its place in the text that it was read from.
public struct XMLElement: Sendable {
    public var name: String
    public var attributes: [XMLAttribute]
    public var children: [XMLElement] = []
    /// All characters directly in it.
    public var text = ""
    /// From the `<` of its beginning to behind the `>` of its end.
    public var range: Range<Int>
    /// Its start tag.
    public var tag: Range<Int>

    /// Reads a whole document.
    public init(_ bytes: [UInt8], limits: XMLLimits = XMLLimits()) throws(XMLFault) {
        var parser = try XMLPullParser(bytes, limits: limits)
        var open: [XMLElement] = []
        var root: XMLElement?
        while let event = try parser.next() {
            switch event {
            case .start(let name, let attributes):
                open.append(XMLElement(name, attributes, parser.range))
            case .text(let text): open[open.count - 1].text += text
            case .end:
                var element = open.removeLast()
                element.range = element.range.lowerBound..<parser.range.upperBound
                if open.isEmpty { root = element } else { open[open.count - 1].children.append(element) }
            }
        }
        // The parser does not end without a root.
        guard let root else { throw XMLFault(line: 1, reason: "no element") }
        self = root
    }

    private init(_ name: String, _ attributes: [XMLAttribute], _ tag: Range<Int>) {
        (self.name, self.attributes, self.tag, range) = (name, attributes, tag, tag)
    }

    public subscript(attribute: String) -> String? { attributes.first { $0.name == attribute }?.value }

    public func child(_ name: String) -> XMLElement? { children.first { $0.name == name } }

    /// Its text without the blanks around it.
    public var trimmed: String {
        var text = text[...]
        while text.first?.isWhitespace == true { text.removeFirst() }
        while text.last?.isWhitespace == true { text.removeLast() }
        return String(text)
    }
}
