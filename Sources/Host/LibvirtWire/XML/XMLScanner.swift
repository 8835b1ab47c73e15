/// A place in a text, and what is read from there on.
struct XMLScanner {
    private let bytes: [UInt8]
    private(set) var position = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    var isAtEnd: Bool { position == bytes.count }

    func fault(_ reason: String) -> XMLFault {
        XMLFault(line: 1 + bytes[..<min(position, bytes.count)].count { $0 == 0x0A }, reason: reason)
    }

    func starts(with word: String) -> Bool { bytes[position...].starts(with: word.utf8) }

    mutating func take(_ word: String) -> Bool {
        guard starts(with: word) else { return false }
        position += word.utf8.count
        return true
    }

    /// True when there was one.
    @discardableResult
    mutating func skipBlanks() -> Bool {
        let start = position
        while position < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[position]) { position += 1 }
        return position > start
    }

    /// The place of the next occurrence of a word.
    private func find(_ word: String) -> Int? {
        let first = word.utf8.first
        var index = position
        while let found = bytes[index...].firstIndex(where: { $0 == first }) {
            if bytes[found...].starts(with: word.utf8) { return found }
            index = found + 1
        }
        return nil
    }

    mutating func skip(past word: String, _ what: String) throws(XMLFault) {
        _ = try text(until: word, what)
    }

    /// The text before a word, which is skipped too.
    mutating func text(until word: String, _ what: String) throws(XMLFault) -> String {
        guard let end = find(word) else { throw fault("\(what) has no end") }
        let content = bytes[position..<end]
        try check(content)
        position = end + word.utf8.count
        return String(decoding: content, as: UTF8.self)
    }

    mutating func skipComment() throws(XMLFault) {
        let content = try text(until: "--", "a comment")
        guard take(">") else { throw fault("\"--\" in the comment \(content.quoted)") }
    }

    /// A name as XML allows it, of ASCII: letters, digits, and `_ : - .` but not at its beginning.
    mutating func name() throws(XMLFault) -> String {
        let start = position
        while position < bytes.count, Self.isName(bytes[position], isFirst: position == start) { position += 1 }
        guard position > start else { throw fault("a name is missing") }
        guard position - start <= 256 else { throw fault("a name has more than 256 bytes") }
        return String(decoding: bytes[start..<position], as: UTF8.self)
    }

    private static func isName(_ byte: UInt8, isFirst: Bool) -> Bool {
        switch byte {
        case 0x41...0x5A, 0x61...0x7A, 0x5F, 0x3A, 0x80...0xFF: true
        case 0x30...0x39, 0x2D, 0x2E: !isFirst
        default: false
        }
    }

    mutating func attribute(of element: String) throws(XMLFault) -> XMLAttribute {
        let start = position, name = try name()
        skipBlanks()
        guard take("=") else { throw fault("<\(element)>: \(name) has no value") }
        skipBlanks()
        guard let quote = take("'") ? "'" : take("\"") ? "\"" : nil else {
            throw fault("<\(element)>: the value of \(name) is not quoted")
        }
        guard let end = find(quote) else { throw fault("<\(element)>: the value of \(name) has no end") }
        let content = bytes[position..<end]
        guard !content.contains(0x3C) else { throw fault("<\(element)>: < in the value of \(name)") }
        // Line ends and tabs in values are blanks (XML 1.0, section 3.3.3).
        let value = try replaced(content.map { [0x09, 0x0A, 0x0D].contains($0) ? 0x20 : $0 }[...])
        position = end + 1
        return XMLAttribute(name: name, value: value, range: start..<position)
    }

    /// Characters up to the next tag.
    mutating func characters() throws(XMLFault) -> String {
        let end = bytes[position...].firstIndex(of: 0x3C) ?? bytes.count
        let content = bytes[position..<end]
        let text = try replaced(content)
        guard !text.contains("]]>") || !String(decoding: content, as: UTF8.self).contains("]]>") else {
            throw fault("]]> outside of CDATA")
        }
        position = end
        return text
    }

    /// With character and entity references replaced by what they stand for.
    private func replaced(_ content: ArraySlice<UInt8>) throws(XMLFault) -> String {
        try check(content)
        var result: [UInt8] = []
        result.reserveCapacity(content.count)
        var rest = content
        while let byte = rest.popFirst() {
            guard byte == 0x26 else {
                result.append(byte)
                continue
            }
            // The longest is &#x10FFFF; with some zeros.
            guard let end = rest.prefix(16).firstIndex(of: 0x3B) else { throw fault("a reference without a semicolon") }
            let word = String(decoding: rest[rest.startIndex..<end], as: UTF8.self)
            guard let character = Self.character(word) else { throw fault("&\(word); stands for nothing") }
            result += String(character).utf8
            rest = rest[(end + 1)...]
        }
        return String(decoding: result, as: UTF8.self)
    }

    private static func character(_ word: String) -> Unicode.Scalar? {
        switch word {
        case "amp": return "&"
        case "lt": return "<"
        case "gt": return ">"
        case "apos": return "'"
        case "quot": return "\""
        default: break
        }
        let digits = word.hasPrefix("#x") ? word.dropFirst(2) : word.hasPrefix("#") ? word.dropFirst() : ""
        guard digits.first != "+", let number = UInt32(digits, radix: word.hasPrefix("#x") ? 16 : 10) else {
            return nil
        }
        return Unicode.Scalar(number).flatMap { isCharacter($0) ? $0 : nil }
    }

    private static func isCharacter(_ scalar: Unicode.Scalar) -> Bool {
        scalar.value >= 0x20 ? scalar.value != 0xFFFE && scalar.value != 0xFFFF : [9, 10, 13].contains(scalar.value)
    }

    /// Control characters are none of XML's.
    private func check(_ content: ArraySlice<UInt8>) throws(XMLFault) {
        guard !content.contains(where: { $0 < 0x20 && ![0x09, 0x0A, 0x0D].contains($0) }) else {
            throw fault("a control character")
        }
    }
}
