import Control
import ControlClient
@testable import Daemon
import Foundation
import GRDB
import LibvirtWire
import Logging
import NIOCore
import NIOEmbedded

/// A folder that goes with its owner.
final class TemporaryFolder {
    let path: String

    init() throws {
        let url = FileManager.default.temporaryDirectory.appending(path: "bulkheadd-\(UUID())")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        path = url.path
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    var database: String { path + "/bulkheadd.sqlite" }
}

/// A whole daemon on a loop whose time is the test's, and its machine. What is asked of the machine happens in `work`.
final class DaemonBench {
    let loop = EmbeddedEventLoop()
    let folder: TemporaryFolder
    let machine: ServedMachine
    let daemon: Daemon
    private let link: MachineLink
    private let remote: ControlClient

    /// - Parameter isUp: the daemon has found the machine.
    init(_ partitions: [PartitionInfo] = MemoryMachine.two, in folder: TemporaryFolder? = nil, isUp: Bool = true) throws
    {
        self.folder = try folder ?? TemporaryFolder()
        machine = ServedMachine(MemoryMachine(partitions: partitions))
        remote = machine.client()
        link = try MachineLink(path: "memory") { _ in }
        var log = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        log.logLevel = .critical
        let configuration = DaemonConfiguration(
            machine: "memory", folder: self.folder.path, shutdownLine: "shutdown now")
        daemon = Daemon(configuration, try DomainStore(path: self.folder.database), link, loop: loop, log: log)
        if isUp { up(partitions) }
    }

    deinit {
        // Nothing that was asked stays without an answer.
        link.fail(.closed(path: "memory"))
        for client in daemon.clients.values { client.close() }
        try? loop.syncShutdownGracefully()
    }

    func up(_ partitions: [PartitionInfo], _ name: String = "m") {
        daemon.take(.up(MemoryMachine.named(name), [], partitions))
    }

    /// The link carries out what has been asked until now.
    func work() {
        link.work(remote)
        loop.run()
    }

    func client(isReadOnly: Bool = false) throws -> BenchClient { try BenchClient(daemon, isReadOnly: isReadOnly) }

    func origin(_ partition: String) -> Domain.Origin? { daemon.machine.domain(partition: partition)?.origin }
    var names: [String] { daemon.machine.domains.map(\.name) }
}

/// A client of the daemon, and what it has been sent.
final class BenchClient {
    private final class Received { var packets: [Packet] = [] }

    private let received = Received()
    let connection: ClientConnection
    private var serial: UInt32 = 0
    var packets: [Packet] { received.packets }

    /// - Parameter isOpen: it has opened the connection.
    init(_ daemon: Daemon, isReadOnly: Bool = false, isOpen: Bool = true) throws {
        let received = received
        connection = ClientConnection(
            daemon, isReadOnly: isReadOnly, output: { received.packets.append($0) }, cutOff: { _ in })
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

/// A domain's XML for one of the partitions of `MemoryMachine.two`.
func domainXML(_ name: String, in partition: String, uuid: WireUUID? = nil, _ more: String = "") -> String {
    let uuid = uuid.map { "<uuid>\($0)</uuid>" } ?? ""
    return "<domain type='bulkhead'><name>\(name)</name>\(uuid)"
        + "<resource><partition>/\(partition)</partition></resource>\(more)</domain>"
}
