import Control
import ControlClient
@testable import Daemon
import Foundation
import GRDB
import LibvirtWire
import Logging
import NIOCore
import NIOEmbedded
import Policy
import Synchronization
import Testing

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

/// What the link has told and the daemon has not taken.
private final class ToldNews: Sendable {
    let queue = Mutex(NewsQueue())
}

/// A whole daemon on a loop whose time is the test's, and its machine. What is asked of the machine happens in `work`.
final class DaemonBench {
    let loop = EmbeddedEventLoop()
    let folder: TemporaryFolder
    let machine: ServedMachine
    let daemon: Daemon
    let link: MachineLink
    private let remote: ControlClient
    private let told = ToldNews()
    private var looks = LookTimes()

    /// - Parameter isUp: the daemon has found the machine.
    init(
        _ partitions: [PartitionInfo] = MemoryMachine.two, in folder: TemporaryFolder? = nil, isUp: Bool = true,
        places: ClientPlaces = ClientPlaces(), log: any LogHandler = SwiftLogNoOpLogHandler(), isAudited: Bool = false,
        policy: Policy? = nil
    ) throws {
        self.folder = try folder ?? TemporaryFolder()
        machine = ServedMachine(MemoryMachine(partitions: partitions))
        remote = machine.client()
        link = try MachineLink(path: "memory") { [told] new in _ = told.queue.withLock { $0.append(new) } }
        let log = Logger(label: "test") { _ in log }
        var configuration = DaemonConfiguration(
            machine: "memory", folder: self.folder.path, shutdownLine: "shutdown now")
        configuration.policy = policy
        let store = try DomainStore(path: self.folder.database)
        let audit = isAudited ? try AuditTrail(configuration, log: log) : nil
        daemon = Daemon(configuration, store, link, loop: loop, log: log, audit: audit, places: places)
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

    /// The link goes round once, and the daemon takes what it has been told.
    func turn() throws {
        try link.turn(remote, &looks)
        for new in told.queue.withLock({ $0.take() }) { daemon.take(new) }
        loop.run()
    }

    func client(isReadOnly: Bool = false) throws -> BenchClient { try BenchClient(daemon, isReadOnly: isReadOnly) }

    func wire(_ partition: String) throws -> WireDomain {
        try #require(daemon.machine.domain(partition: partition)).wire
    }
    var names: [String] { daemon.machine.domains.map(\.name) }
}

/// A domain's XML for one of the partitions of `MemoryMachine.two`.
func domainXML(_ name: String, in partition: String, uuid: WireUUID? = nil, _ more: String = "") -> String {
    let uuid = uuid.map { "<uuid>\($0)</uuid>" } ?? ""
    return "<domain type='bulkhead'><name>\(name)</name>\(uuid)"
        + "<resource><partition>/\(partition)</partition></resource>\(more)</domain>"
}
