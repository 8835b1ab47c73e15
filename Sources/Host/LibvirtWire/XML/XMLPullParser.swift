/// Reads XML 1.0 piece by piece, with the place of each piece in the text. There is no DOCTYPE, so no entity but the five of
/// XML itself: nothing grows, nothing is fetched. It keeps nothing but the names of the elements that are open.
public struct XMLPullParser {
    public enum Event: Equatable {
        /// `<name …>` or `<name …/>`; of the latter, `end` follows.
        case start(name: String, attributes: [XMLAttribute])
        case end(name: String)
        /// Characters, their references replaced; CDATA too. Comments and instructions are left out.
        case text(String)
    }

    private var scanner: XMLScanner
    private let limits: XMLLimits
    private var open: [String] = []
    private var elements = 0
    private var hasRoot = false
    /// The name of an element without content, whose end comes next.
    private var emptyElement: String?
    /// Where the last event stands in the text.
    public private(set) var range = 0..<0

    public init(_ bytes: [UInt8], limits: XMLLimits = XMLLimits()) throws(XMLFault) {
        self.limits = limits
        scanner = XMLScanner(bytes)
        guard bytes.count <= limits.size else { throw scanner.fault("more than \(limits.size) bytes") }
        guard String(validating: bytes, as: UTF8.self) != nil else { throw scanner.fault("not UTF-8") }
        if scanner.take("\u{FEFF}") {}
        if scanner.starts(with: "<?xml ") { try scanner.skip(past: "?>", "an XML declaration") }
    }

    /// How many elements are open.
    public var depth: Int { open.count }

    /// The next piece; nil behind the end of the root element, when nothing but blanks and comments follows.
    public mutating func next() throws(XMLFault) -> Event? {
        if let name = emptyElement {
            emptyElement = nil
            range = scanner.position..<scanner.position
            return .end(name: name)
        }
        while !scanner.isAtEnd {
            let start = scanner.position
            if scanner.take("<!--") {
                try scanner.skipComment()
            } else if scanner.take("<![CDATA[") {
                guard !open.isEmpty else { throw scanner.fault("CDATA outside of the root element") }
                let content = try scanner.text(until: "]]>", "CDATA")
                range = start..<scanner.position
                if !content.isEmpty { return .text(content) }
            } else if scanner.starts(with: "<!") {
                throw scanner.fault("a document type or another declaration is not taken")
            } else if scanner.take("<?") {
                try scanner.skip(past: "?>", "an instruction")
            } else if scanner.take("</") {
                return try end(start)
            } else if scanner.take("<") {
                return try self.start(start)
            } else {
                let content = try scanner.characters()
                range = start..<scanner.position
                if !open.isEmpty { return .text(content) }
                guard content.allSatisfy(\.isWhitespace) else {
                    throw scanner.fault("text outside of the root element")
                }
            }
        }
        guard open.isEmpty else { throw scanner.fault("<\(open[open.count - 1])> is not closed") }
        guard hasRoot else { throw scanner.fault("no element") }
        return nil
    }

    private mutating func end(_ start: Int) throws(XMLFault) -> Event {
        let name = try scanner.name()
        scanner.skipBlanks()
        guard scanner.take(">") else { throw scanner.fault("</\(name) without >") }
        guard let last = open.popLast() else { throw scanner.fault("</\(name)> closes nothing") }
        guard last == name else { throw scanner.fault("</\(name)> closes <\(last)>") }
        range = start..<scanner.position
        return .end(name: name)
    }

    private mutating func start(_ start: Int) throws(XMLFault) -> Event {
        let name = try scanner.name()
        guard !open.isEmpty || !hasRoot else { throw scanner.fault("a second root element, <\(name)>") }
        hasRoot = true
        elements += 1
        guard elements <= limits.elements else { throw scanner.fault("more than \(limits.elements) elements") }
        guard open.count < limits.depth else { throw scanner.fault("elements deeper than \(limits.depth)") }
        var attributes: [XMLAttribute] = []
        while true {
            let hasBlank = scanner.skipBlanks()
            if scanner.take("/>") {
                emptyElement = name
                break
            }
            if scanner.take(">") {
                open.append(name)
                break
            }
            guard hasBlank else { throw scanner.fault("<\(name): a blank is missing") }
            guard attributes.count < limits.attributes else {
                throw scanner.fault("<\(name)> has more than \(limits.attributes) attributes")
            }
            let attribute = try scanner.attribute(of: name)
            guard !attributes.contains(where: { $0.name == attribute.name }) else {
                throw scanner.fault("<\(name)> has \(attribute.name) twice")
            }
            attributes.append(attribute)
        }
        range = start..<scanner.position
        return .start(name: name, attributes: attributes)
    }
}

public struct XMLAttribute: Equatable, Sendable {
    public var name: String
    public var value: String
    /// Where it stands in the text, from its name to the closing quote.
    public var range: Range<Int>
}
