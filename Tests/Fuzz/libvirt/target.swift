import LibvirtWire

/// A server whose procedures read each kind of argument; it must survive whatever a client sends, and keep its bounds.
final class ReadingServer {
    var sent = 0
    var streams: [RemoteStream] = []
    private(set) var session: RemoteSession<ReadingServer>?

    init() {
        var table = ProcedureTable<ReadingServer>()
        table.add("connect_open", .session) { server, call in
            _ = try call.arguments.optionalString(max: 4096)
            server.session?.isOpen = true
            call.reply()
        }
        table.add("domain_get_state", .read) { _, call in
            let domain = try WireDomain(&call.arguments)
            call.reply { domain.write(&$0) }
        }
        table.add("domain_set_memory_parameters", .change) { _, call in
            let names = try call.arguments.array(max: 16) { (reader) throws(XDRError) in try reader.string(max: 79) }
            try call.arguments.end()
            call.reply { $0.array(names) { TypedParameter($1, .uint(1)).write(&$0) } }
        }
        table.add("domain_open_console", .change) { server, call in
            guard let stream = try server.session?.openStream(call) else { return }
            stream.received = { [unowned stream] in stream.send($0) }
            server.streams.append(stream)
            call.reply()
        }
        session = RemoteSession(table, isReadOnly: false) { [unowned self] packet in
            // What is sent is a packet that this end would take.
            var reader = PacketReader()
            reader.append(packet.encoded)
            guard let same = try? reader.next(), same == packet, reader.kept == 0 else { fatalError("\(packet)") }
            sent += 1
        }
    }

    func receive(_ packet: Packet) throws { try session?.receive(packet, from: self) }
}

/// The first byte says what the rest is: 0 XML, else the bytes of a connection, which come in pieces of so many.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    // libFuzzer's input has count bytes.
    let input = unsafe [UInt8](UnsafeBufferPointer(start: start, count: count))
    guard let kind = input.first else { return 0 }
    let content = input.dropFirst()
    if kind == 0 {
        guard let root = try? XMLElement(Array(content)) else { return 0 }
        check(root, within: 0..<content.count)
        return 0
    }
    let server = ReadingServer()
    var reader = PacketReader(limit: 8192)
    for start in stride(from: content.startIndex, to: content.endIndex, by: Int(kind)) {
        reader.append(content[start..<min(start + Int(kind), content.endIndex)])
        precondition(reader.kept <= content.count)
        do {
            while let packet = try reader.next() { try server.receive(packet) }
        } catch { break }
    }
    if let session = server.session {
        precondition(session.calls <= RemoteSession<ReadingServer>.maxCalls)
        session.close()
    }
    return 0
}

/// Each element lies within its parent, and its tag within it.
func check(_ element: XMLElement, within range: Range<Int>) {
    precondition(range.contains(element.range) && element.range.contains(element.tag))
    for child in element.children { check(child, within: element.range) }
}
