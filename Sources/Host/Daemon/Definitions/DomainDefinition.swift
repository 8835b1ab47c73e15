import LibvirtWire

/// A domain as a client has described it: its XML, kept byte for byte but for the id, which is the daemon's, and a UUID, which
/// is written into it when it has none.
struct DomainDefinition {
    let text: String
    let root: XMLElement
    let name: String
    let uuid: WireUUID

    /// Reads what a client sent.
    /// - Parameter known: the UUID of a domain that has this name already, if there is one.
    /// - Throws: `xmlError`, or `configUnsupported` with the name of an element that no partition can honour.
    init(_ xml: String, known: (String) -> WireUUID?) throws(RemoteError) {
        let root = try Self.parse(xml)
        guard root.name == "domain" else { throw RemoteError(.xmlError, "<domain> is expected, not <\(root.name)>") }
        try DefinitionRules.check(root)
        let name = root.child("name")?.text ?? ""
        guard !name.isEmpty, name.utf8.count <= 255, !name.contains(where: { $0 == "/" || $0.isNewline }) else {
            throw RemoteError(.xmlError, "<name> must have 1 to 255 characters, none of them '/' or a new line")
        }
        var edits: [XMLEdit] = []
        if let id = root.attributes.first(where: { $0.name == "id" }) {
            // The blank before it goes too.
            edits.append(XMLEdit(id.range.lowerBound - 1..<id.range.upperBound, ""))
        }
        let uuid: WireUUID
        if let element = root.child("uuid") {
            guard let own = WireUUID(text: element.trimmed) else {
                throw RemoteError(.xmlError, "malformed uuid element: \(element.trimmed.quoted)")
            }
            uuid = own
        } else {
            uuid = known(name) ?? .random()
            // The rules have found a name.
            let end = root.child("name")?.range.upperBound ?? 0
            edits.append(XMLEdit(end..<end, "\n  <uuid>\(uuid)</uuid>"))
        }
        text = XMLEdit.apply(edits, to: xml)
        self.root = edits.isEmpty ? root : try Self.parse(text)
        (self.name, self.uuid) = (name, uuid)
    }

    private static func parse(_ xml: String) throws(RemoteError) -> XMLElement {
        do throws(XMLFault) { return try XMLElement(Array(xml.utf8)) } catch {
            throw RemoteError(.xmlError, "(domain_definition): \(error)")
        }
    }

    /// The partition that it asks for by name.
    var partition: String? {
        root.child("resource")?.child("partition").map { element in
            let text = element.trimmed
            return text.hasPrefix("/") ? String(text.dropFirst()) : text
        }
    }

    /// The XML of a running domain: with its id, and with the names by which a console is found.
    func live(id: Int32) -> String {
        let start = root.range.lowerBound + "<domain".utf8.count
        var edits = [XMLEdit(start..<start, " id='\(id)'")]
        let devices = root.child("devices")?.children ?? []
        for (kind, alias) in [("serial", "serial0"), ("console", "console0")] {
            guard let device = devices.first(where: { $0.name == kind }), device.child("alias") == nil else { continue }
            let element = "<alias name='\(alias)'/>"
            if device.tag == device.range {
                let end = device.range.upperBound
                edits.append(XMLEdit(end - 2..<end, ">\(element)</\(kind)>"))
            } else {
                edits.append(XMLEdit(device.tag.upperBound..<device.tag.upperBound, element))
            }
        }
        return XMLEdit.apply(edits, to: text)
    }
}

/// Bytes of a text that are replaced by others.
struct XMLEdit {
    let range: Range<Int>
    let text: String

    init(_ range: Range<Int>, _ text: String) { (self.range, self.text) = (range, text) }

    static func apply(_ edits: [XMLEdit], to text: String) -> String {
        var bytes = Array(text.utf8)
        for edit in edits.sorted(by: { $0.range.lowerBound > $1.range.lowerBound }) {
            bytes.replaceSubrange(edit.range, with: edit.text.utf8)
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
