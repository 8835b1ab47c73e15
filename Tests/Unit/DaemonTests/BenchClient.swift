@testable import Daemon
import LibvirtWire

/// A client of the daemon, and what it has been sent.
final class BenchClient {
    private final class Received {
        var packets: [Packet] = []
        var cutOffs: [String] = []
    }

    private let received = Received()
    let connection: ClientConnection
    private var serial: UInt32 = 0
    var packets: [Packet] { received.packets }
    /// Why it was cut off.
    var cutOffs: [String] { received.cutOffs }

    /// - Parameter isOpen: it has opened the connection.
    init(_ daemon: Daemon, isReadOnly: Bool = false, isOpen: Bool = true) throws {
        let received = received
        connection = ClientConnection(
            daemon, isReadOnly: isReadOnly, output: { received.packets.append($0) },
            cutOff: { received.cutOffs.append($0) })
        daemon.clients[ObjectIdentifier(connection)] = connection
        if isOpen { connection.session.isOpen = true }
    }

    /// Calls a procedure; returns its answer if it has come.
    @discardableResult
    func call(_ name: String, _ write: (inout XDRWriter) -> Void = { _ in }) throws -> Answer? {
        serial += 1
        let number = ProcedureNames.number(name) ?? 0
        try connection.receive(
            Packet(PacketHeader(procedure: number, type: .call, serial: serial), XDRWriter.bytes(write)))
        return answer
    }

    /// To the last call.
    var answer: Answer? {
        packets.last { $0.header.type == .reply && $0.header.serial == serial }.map(Answer.init)
    }

    /// What streams have brought.
    var streamed: String {
        let data = packets.filter { $0.header.type == .stream && $0.header.status == .more }.flatMap(\.payload)
        return String(decoding: data, as: UTF8.self)
    }

    /// Of what happened: the numbers of the messages.
    var messages: [Int32] { packets.filter { $0.header.type == .message }.map(\.header.procedure) }

    func define(_ xml: String) throws -> Answer? { try call("domain_define_xml") { $0.string(xml) } }

    @discardableResult
    func create(_ xml: String) throws -> Answer? {
        try call("domain_create_xml") { writer in
            writer.string(xml)
            writer.uint32(0)
        }
    }

    func setAutostart(_ domain: WireDomain) throws -> Answer? {
        try call("domain_set_autostart") { writer in
            domain.write(&writer)
            writer.int32(1)
        }
    }

    func setTitle(_ domain: WireDomain, _ title: String) throws -> Answer? {
        try call("domain_set_metadata") { writer in
            domain.write(&writer)
            writer.int32(1)
            for text in [title, nil, nil] { writer.optionalString(text) }
            writer.uint32(0)
        }
    }

    /// Waits for events.
    /// - Parameters:
    ///   - event: 0: of the lifecycle.
    ///   - domain: nil: of all.
    func register(_ event: Int32 = 0, of domain: WireDomain? = nil) throws -> Answer? {
        try call("connect_domain_event_callback_register_any") { writer in
            writer.int32(event)
            writer.bool(domain != nil)
            domain?.write(&writer)
        }
    }

    /// Sends bytes into the stream that the last call has opened.
    func stream(_ bytes: [UInt8]) throws {
        let number = ProcedureNames.number("domain_open_console") ?? 0
        let header = PacketHeader(procedure: number, type: .stream, serial: serial, status: .more)
        try connection.receive(Packet(header, bytes))
    }
}

struct Answer {
    let packet: Packet

    /// libvirt's code; 0 when the call went well.
    var code: Int32 {
        guard packet.header.status == .error else { return 0 }
        var reader = XDRReader(packet.payload)
        return (try? reader.int32()) ?? -1
    }

    var text: String { String(decoding: packet.payload, as: UTF8.self) }
}
