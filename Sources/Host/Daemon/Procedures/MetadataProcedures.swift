import LibvirtWire

/// Titles, descriptions and metadata of definitions.
enum MetadataProcedures {
    static func add(to table: inout DaemonTable) {
        DomainProcedures.add("domain_get_metadata", &table) { domain, call in
            let kind = try call.arguments.int32(), uri = try call.arguments.optionalString(max: 4096)
            guard let text = try domain.definition?.metadata(kind, uri) else {
                throw RemoteError(.noDomainMetadata, "metadata not found: Requested metadata element is not present")
            }
            call.reply { $0.string(text) }
        }
        table.add("domain_set_metadata", .change) { client, call in
            let domain = try client.daemon.machine.domain(try WireDomain(&call.arguments))
            let kind = try call.arguments.int32(), text = try call.arguments.optionalString()
            let key = try call.arguments.optionalString(max: 256), uri = try call.arguments.optionalString(max: 4096)
            guard domain.isPersistent else {
                throw RemoteError(.operationInvalid, "the metadata of a transient domain cannot be changed")
            }
            // A domain that nobody has defined is defined as it is.
            let definition =
                try domain.definition ?? DomainDefinition(DomainXML.text(of: domain, inactive: true)) { _ in nil }
            let changed = try definition.settingMetadata(kind, text, key: key, uri: uri)
            try client.daemon.change([DomainUpdate(domain, .defined(changed), autostart: domain.autostart)])
            call.reply()
        }
    }
}

extension DomainDefinition {
    /// `virDomainMetadataType`: 0 description, 1 title, 2 an element of a name space of its own.
    private static func simpleName(_ kind: Int32) throws(RemoteError) -> String? {
        switch kind {
        case 0: "description"
        case 1: "title"
        case 2: nil
        default: throw RemoteError(.invalidArgument, "unknown kind of metadata \(kind)")
        }
    }

    private func element(of uri: String?) throws(RemoteError) -> XMLElement? {
        guard let uri else { throw RemoteError(.invalidArgument, "a metadata element needs the URI of its name space") }
        return root.child("metadata")?.children.first { element in
            let prefix = element.name.split(separator: ":").count > 1 ? element.name.prefix { $0 != ":" } : ""
            return element[prefix.isEmpty ? "xmlns" : "xmlns:\(prefix)"] == uri
        }
    }

    func metadata(_ kind: Int32, _ uri: String?) throws(RemoteError) -> String? {
        if let name = try Self.simpleName(kind) { return root.child(name)?.text }
        guard let range = try element(of: uri)?.range else { return nil }
        return String(decoding: Array(text.utf8)[range], as: UTF8.self)
    }

    /// With other metadata; nil removes it. The rest of the text stays as it is.
    func settingMetadata(
        _ kind: Int32, _ content: String?, key: String?, uri: String?
    ) throws(RemoteError) -> DomainDefinition {
        let old: XMLElement?, new: String
        if let name = try Self.simpleName(kind) {
            old = root.child(name)
            new = content.map { "<\(name)>\(XMLText.escaped($0))</\(name)>" } ?? ""
        } else {
            old = try element(of: uri)
            new = try content.map { (content) throws(RemoteError) in try Self.named(content, key, uri ?? "") } ?? ""
        }
        let edit: XMLEdit
        if let old {
            edit = XMLEdit(old.range, new)
        } else if kind == 2, let metadata = root.child("metadata"), metadata.tag != metadata.range {
            edit = XMLEdit(metadata.tag.upperBound..<metadata.tag.upperBound, new)
        } else {
            let inside = kind == 2 && !new.isEmpty ? "<metadata>\(new)</metadata>" : new
            // A metadata element without content gives way; else behind the UUID, which there always is.
            let empty = kind == 2 ? root.child("metadata")?.range : nil
            let end = root.child("uuid")?.range.upperBound ?? root.tag.upperBound
            edit = XMLEdit(empty ?? end..<end, new.isEmpty ? "" : empty == nil ? "\n  \(inside)" : inside)
        }
        let changed = try DomainDefinition(XMLEdit.apply([edit], to: text)) { _ in nil }
        guard changed.name == name, changed.uuid == uuid, changed.partition == partition else {
            throw RemoteError(.invalidArgument, "the metadata would change more than the metadata")
        }
        return changed
    }

    /// Whether a text can be the prefix of names.
    private static func isPrefix(_ key: String) -> Bool {
        key.utf8.count <= 64 && key.first?.isNumber == false && !key.lowercased().hasPrefix("xml")
            && key.unicodeScalars.allSatisfy { "a"..."z" ~= $0 || "A"..."Z" ~= $0 || "0"..."9" ~= $0 || $0 == "_" }
    }

    /// The element with its name space declared, as libvirt does it: under a prefix, the key.
    private static func named(_ content: String, _ key: String?, _ uri: String) throws(RemoteError) -> String {
        let element: XMLElement
        do throws(XMLFault) { element = try XMLElement(Array(content.utf8)) } catch {
            throw RemoteError(.xmlError, "the metadata: \(error)")
        }
        guard let key, !element.name.contains(":"), element["xmlns"] == nil else { return content }
        guard isPrefix(key) else {
            throw RemoteError(
                .invalidArgument, "the key '\(key)' must have 1 to 64 letters, digits or '_', no digit first")
        }
        let start = element.range.lowerBound + 1
        var edits = [XMLEdit(start..<start, "\(key):")]
        let end = start + element.name.utf8.count
        edits.append(XMLEdit(end..<end, " xmlns:\(key)=\"\(XMLText.escaped(uri))\""))
        if element.tag != element.range {
            // The end tag begins with the last "</".
            let bytes = Array(content.utf8)
            let close = bytes[..<element.range.upperBound].lastIndex(of: 0x3C) ?? 0
            edits.append(XMLEdit(close + 2..<close + 2, "\(key):"))
        }
        return XMLEdit.apply(edits, to: content)
    }
}
