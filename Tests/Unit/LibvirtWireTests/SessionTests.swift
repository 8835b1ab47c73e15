import LibvirtWire
import Testing

/// A server of three procedures, and what it sends.
private final class EchoServer {
    var sent: [Packet] = []
    var stream: RemoteStream?
    var got: [UInt8] = []
    var end: Bool?
    var waiting: [RemoteCall] = []
    private(set) lazy var session = RemoteSession(
        Self.table, isReadOnly: false, output: { [unowned self] in sent.append($0) })

    static var table: ProcedureTable<EchoServer> {
        var table = ProcedureTable<EchoServer>()
        table.add("connect_open", .session) { server, call in
            server.session.isOpen = true
            call.reply()
        }
        table.add("domain_get_os_type", .read) { _, call in
            let text = try call.arguments.string()
            call.reply { $0.string(text) }
        }
        table.add("domain_create", .change) { server, call in server.waiting.append(call) }
        table.add("domain_open_console", .read) { server, call in
            let stream = try server.session.openStream(call)
            stream.received = { server.got += $0 }
            stream.ended = { server.end = $0 }
            server.stream = stream
            call.reply()
        }
        return table
    }

    func send(
        _ procedure: Int32, _ type: PacketType = .call, serial: UInt32 = 1, _ status: PacketStatus = .ok,
        program: UInt32 = RemoteProgram.number, payload: [UInt8] = []
    ) throws {
        let header = PacketHeader(program: program, procedure: procedure, type: type, serial: serial, status: status)
        try session.receive(Packet(header, payload), from: self)
    }

    /// The code of the last answer, an error.
    func code() throws -> Int32? {
        guard let last = sent.last, last.header.status == .error else { return nil }
        var reader = XDRReader(last.payload)
        return try reader.int32()
    }
}

@Suite struct SessionTests {
    private static let text = XDRWriter.bytes { $0.string("hvm") }

    private func opened() throws -> EchoServer {
        let server = EchoServer()
        try server.send(1)
        server.sent = []
        return server
    }

    @Test func callsAreAnsweredOnceOpen() throws {
        let server = EchoServer()
        try server.send(19, .call, serial: 7, payload: Self.text)
        #expect(try server.code() == 39)
        try server.send(1)
        try server.send(19, .call, serial: 8, payload: Self.text)
        #expect(server.sent.last == Packet(PacketHeader(procedure: 19, type: .reply, serial: 8), Self.text))
    }

    @Test func whatIsNotThereIsRefused() throws {
        let server = try opened()
        try server.send(150)
        #expect(try server.code() == 3)
        // No procedure of libvirt's: VIR_ERR_RPC, as its own daemons answer.
        for number: Int32 in [99999, 444, 0, -1] {
            try server.send(number)
            #expect(try server.code() == 39)
        }
        try server.send(19, program: 0x2000_8089)
        #expect(try server.code() == 39)
        // What only QEMU's and LXC's machines have.
        for program: UInt32 in [0x2000_8087, 0x2000_8088] {
            try server.send(1, program: program)
            #expect(try server.code() == 3)
        }
        // Arguments that end too early.
        try server.send(19, payload: Array(Self.text.prefix(6)))
        #expect(try server.code() == 39)
        #expect(server.session.calls == 0)
    }

    @Test func readOnlyChangesNothing() throws {
        let server = try opened()
        server.session.isReadOnly = true
        try server.send(9)
        #expect(try server.code() == 29)
        #expect(server.waiting.isEmpty)
    }

    @Test func callsThatWaitAreBounded() throws {
        let server = try opened()
        for serial in 0..<256 { try server.send(9, .call, serial: UInt32(serial)) }
        #expect(throws: SessionError.tooManyCalls(256)) { try server.send(9) }
        server.waiting[0].reply()
        // An answer is given once.
        server.waiting[0].reply()
        #expect(server.sent.count == 1 && server.session.calls == 255)
        try server.send(9)
    }

    /// A packet has 4 MiB, and 256 calls may wait.
    @Test func aCallThatWaitsKeepsNoPacket() throws {
        let server = try opened()
        try server.send(9, payload: [UInt8](repeating: 1, count: 1 << 20))
        #expect(server.waiting.count == 1 && server.waiting[0].arguments.left == 0)
    }

    @Test func packetsThatClientsDoNotSend() throws {
        let server = try opened()
        for type in [
            PacketType.reply, .message, .callWithDescriptors, .replyWithDescriptors, .streamHole,
        ] {
            #expect(throws: SessionError.unexpected(type)) { try server.send(9, type) }
        }
        // Also in a stream that there is.
        try server.send(201, .call, serial: 5)
        #expect(throws: SessionError.unexpected(.streamHole)) { try server.send(201, .streamHole, serial: 5) }
        #expect(server.sent.count == 1)
    }

    @Test func aStreamFromOpenToEnd() throws {
        let server = try opened()
        try server.send(201, .call, serial: 5)
        server.stream?.send([UInt8](repeating: 1, count: Packet.maxStreamData + 1))
        #expect(server.sent.map(\.header.status) == [.ok, .more, .more])
        #expect(server.sent.map(\.payload.count) == [0, Packet.maxStreamData, 1])
        try server.send(201, .stream, serial: 5, .more, payload: [1, 2, 3])
        // Another stream's.
        try server.send(201, .stream, serial: 6, .more, payload: [4])
        #expect(server.got == [1, 2, 3])
        server.stream?.end()
        #expect(server.sent.last?.header.status == .more && server.sent.last?.payload == [])
        try server.send(201, .stream, serial: 5, .ok)
        #expect(server.sent.last?.header == PacketHeader(procedure: 201, type: .stream, serial: 5))
        #expect(server.end == true)
        let count = server.sent.count
        server.stream?.send([1])
        try server.send(201, .stream, serial: 5, .ok)
        #expect(server.sent.count == count)
    }

    @Test func streamsAreBoundedAndEndWithTheConnection() throws {
        let server = try opened()
        for serial in 1...16 { try server.send(201, .call, serial: UInt32(serial)) }
        try server.send(201, .call, serial: 17)
        #expect(try server.code() == 73)
        server.session.close()
        #expect(server.end == false)
        try server.send(201, .call, serial: 18)
        #expect(try server.code() == 73)
    }

    @Test func keepalive() throws {
        let server = try opened()
        #expect(server.session.tick() && server.sent.isEmpty)
        try server.send(1, .message, program: Keepalive.program)
        #expect(server.sent.last == Keepalive.pongPacket)
        server.session.enableKeepalive()
        for _ in 0..<5 { #expect(server.session.tick()) }
        #expect(server.sent.last == Keepalive.pingPacket)
        try server.send(2, .message, program: Keepalive.program)
        for _ in 0..<5 { #expect(server.session.tick()) }
        #expect(!server.session.tick())
    }
}
