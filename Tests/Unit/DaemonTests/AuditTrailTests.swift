import Audit
import Control
@testable import Daemon
import Foundation
import LibvirtWire
import Policy
import Testing

/// Who asked for what, and what came of it, is in the audit logs before anybody is told.
@Suite struct AuditTrailTests {
    private let bench: DaemonBench
    private var changes: String { bench.folder.path + "/bulkheadd.audit" }
    private var reads: String { bench.folder.path + "/bulkheadd.reads" }
    private var events: String { bench.folder.path + "/bulkheadd.events" }
    private var trail: AuditTrail { get throws { try #require(bench.daemon.audit) } }

    init() throws {
        bench = try DaemonBench(isAudited: true)
        bench.machine.with { $0.obeys = true }
    }

    /// The log is whole; its records as people read them, without what comes before who it was.
    private func records(_ path: String) throws -> [String] {
        var found: [String] = []
        let chain = try AuditChain(path: path) { line in
            found.append(AuditReport.text(line).split(separator: " ").dropFirst(2).joined(separator: " "))
        }
        #expect(chain.isWhole, "\(chain.problems)")
        return found
    }

    @Test func aChangeIsThereBeforeItIsCarriedOut() throws {
        let client = try bench.client(), loop = try bench.wire("loop")
        client.connection.peer = PeerIdentity(uid: 1000, pid: 77)
        #expect(try client.call("domain_create") { loop.write(&$0) } == nil)
        let who = "client 1 uid 1000 pid 77"
        #expect(try trail.synchronizations(.changes) == 2, "started, and this")
        #expect(try records(changes).last == "\(who) begins domain_create \"loop\" in loop")
        bench.work()
        try bench.turn()
        #expect(client.answer?.code == 0)
        #expect(try records(changes).last == "\(who) domain_create \"loop\" in loop -> ok")
        #expect(try trail.synchronizations(.changes) == 3)
        // It is not there, and nothing was asked of the machine.
        #expect(try client.call("domain_create") { loop.write(&$0) }?.code == 55)
        #expect(try records(changes).last == "\(who) domain_create \"loop\" in loop -> operationInvalid")
        #expect(try client.define(domainXML("work", in: "workload"))?.code == 0)
        #expect(
            try records(changes).suffix(2) == [
                "\(who) begins domain_define_xml \"work\" in workload",
                "\(who) domain_define_xml \"work\" in workload -> ok",
            ])
        // By the names that it had: it is there no more.
        let work = try bench.wire("workload")
        #expect(try client.call("domain_undefine") { work.write(&$0) }?.code == 0)
        #expect(try records(changes).last == "\(who) domain_undefine \"work\" in workload -> ok")
        let unknown = WireDomain(name: "loop", uuid: .named("x", "y"), id: 1), before = try records(changes)
        #expect(try client.call("domain_destroy") { unknown.write(&$0) }?.code == 42)
        // By its UUID, and not by the name that a client gives it; nothing is changed by it, and nothing waited for.
        #expect(try records(reads).last == "\(who) domain_destroy \"\(unknown.uuid)\" -> noDomain")
        // XML behind which a domain's UUID lies names none, whatever the bytes are.
        let answer = try client.call("domain_define_xml") { writer in loop.write(&writer) }
        #expect(answer?.code == 27)
        #expect(try records(reads).last == "\(who) domain_define_xml -> xmlError")
        #expect(try records(changes) == before)
    }

    /// Whoever is told finds it in the log.
    @Test func anAnswerIsThereBeforeItIsSent() throws {
        var found: [String] = []
        let connection = ClientConnection(
            bench.daemon, isReadOnly: false,
            output: { [changes] _ in
                _ = try? AuditChain(path: changes) { found = [AuditReport.text($0)] }
            }, cutOff: { _ in })
        bench.daemon.clients[ObjectIdentifier(connection)] = connection
        connection.session.isOpen = true
        let number = try #require(ProcedureNames.number("domain_define_xml"))
        let xml = XDRWriter.bytes { $0.string(domainXML("work", in: "workload")) }
        try connection.receive(Packet(PacketHeader(procedure: number, type: .call, serial: 1), xml))
        #expect(found.first?.hasSuffix("domain_define_xml \"work\" in workload -> ok") == true)
        connection.close()
    }

    /// What the daemon starts by itself is somebody's wish, too.
    @Test func autostartIsAChange() throws {
        let client = try bench.client(), loop = try bench.wire("loop")
        #expect(try client.setAutostart(loop)?.code == 0)
        #expect(try records(changes).last?.hasSuffix("domain_set_autostart \"loop\" in loop -> ok (on)") == true)
        bench.up(MemoryMachine.two)
        bench.work()
        try bench.turn()
        #expect(
            try records(changes).suffix(2) == ["begins autostart \"loop\" in loop", "autostart \"loop\" in loop -> ok"])
        #expect(bench.machine.with { $0.calls } == ["start loop"])
    }

    /// Whoever may change nothing writes nothing among the changes, however much he asks.
    @Test func readsAndRefusalsAreElsewhere() throws {
        let before = try records(changes), reader = try bench.client(isReadOnly: true), loop = try bench.wire("loop")
        #expect(try reader.call("domain_create") { loop.write(&$0) }?.code == 29)
        try reader.call("connect_get_type")
        try reader.connection.receive(Packet(PacketHeader(procedure: 100_000, type: .call, serial: 9), []))
        #expect(try records(changes) == before)
        #expect(
            try records(reads).suffix(3) == [
                "client 1 domain_create \"loop\" in loop -> operationDenied", "client 1 connect_get_type -> ok",
                "client 1 procedure 100000 -> rpc",
            ])
    }

    @Test func theMachineIsHeard() throws {
        var event = ControlEvent()
        (event.partition, event.state, event.cause, event.lost) = (label("loop"), .crashed, .panic, 2)
        bench.daemon.take(.event(event))
        event = ControlEvent(.attack)
        (event.partition, event.vcpu, event.code, event.address) = (label("loop"), 1, 0x103, 0xABC)
        bench.daemon.take(.event(event))
        for _ in 0..<3 { bench.daemon.take(.down("gone")) }
        for _ in 0..<3 { bench.daemon.take(.partitions(MemoryMachine.two)) }
        bench.daemon.end()
        #expect(
            try records(events) == [
                "started", "machine (the machine m answers: Bulkhead 0.1.0, 2 partitions)",
                "event in loop (crashed by panic, 2 before it were lost)",
                "event in loop (attack, vCPU 1, code 103, address abc)", "machine (gone)",
                "machine (the machine answers again)",
                "ended",
            ])
    }

    /// What cannot be written down is not done; what only reads is answered, and counted.
    @Test func withoutALogNothingIsChanged() throws {
        let folder = try TemporaryFolder()
        var logs: [AuditTrail.Kind: AuditLog] = [:]
        for kind in AuditTrail.Kind.allCases { logs[kind] = try AuditLog(path: folder.path + "/\(kind)", limit: 1) }
        let trail = AuditTrail(logs, log: bench.daemon.log)
        let daemon = Daemon(
            bench.daemon.configuration, bench.daemon.store, bench.link, loop: bench.loop, log: bench.daemon.log,
            audit: trail)
        daemon.take(.up(MemoryMachine.named("m"), [], MemoryMachine.two))
        try FileManager.default.removeItem(atPath: folder.path)
        let client = try BenchClient(daemon), loop = try #require(daemon.machine.domain(partition: "loop")).wire
        let answer = try client.call("domain_create") { loop.write(&$0) }
        #expect(answer?.code == 38)
        #expect(answer?.text.contains("nothing is changed, since the audit log cannot be written") == true)
        #expect(try client.define(domainXML("work", in: "workload"))?.code == 38)
        #expect(daemon.machine.domains.map(\.name) == ["loop", "workload"])
        bench.work()
        #expect(bench.machine.with { $0.calls }.isEmpty)
        #expect(try client.call("connect_get_type")?.code == 0)
        #expect(trail.failures >= 3)
    }

    /// The policy under which something is changed is named before it, also where that could not be written at once.
    @Test func nothingIsChangedUnderAPolicyThatIsNotNamed() throws {
        let folder = try TemporaryFolder(), path = folder.path + "/audit", files = FileManager.default
        var logs: [AuditTrail.Kind: AuditLog] = [:]
        for kind in AuditTrail.Kind.allCases {
            logs[kind] = try AuditLog(path: folder.path + "/\(kind.rawValue)", limit: kind == .changes ? 1 : 1 << 20)
        }
        let trail = AuditTrail(logs, log: bench.daemon.log)
        let domain = try #require(bench.daemon.machine.domain(partition: "loop"))
        try files.createDirectory(atPath: path + ".new", withIntermediateDirectories: false)
        trail.note(try Policy("roles: {}\nusers: {}", file: "policy"))
        #expect(throws: RemoteError.self) { try trail.begin(autostart: domain) }
        try files.removeItem(atPath: path + ".new")
        try trail.begin(autostart: domain)
        let found = try records(path)
        try #require(found.count == 3, "\(found)")
        #expect(found[1].hasPrefix("policy (SHA-256 ") && found[2].contains("autostart"), "\(found)")
    }

    /// Killed at any moment, it leaves a whole log, which the next one goes on with; who was connected is named by the system.
    @Test func aKilledDaemonLeavesAWholeLog() throws {
        let folder = try TemporaryFolder()
        var before: UInt64 = 0
        for round in 0..<10 {
            let daemon = try DaemonProgram(folder)
            let client = try SocketClient(folder.path + "/virtbulkheadd-sock")
            _ = try client.call("connect_open") { writer in
                writer.optionalString("bulkhead:///system")
                writer.uint32(0)
            }
            for _ in 0..<round * 20 { _ = try client.call("connect_get_type") }
            daemon.kill()
            var users: Set<UInt32> = [], processes: Set<Int32> = []
            for log in ["/bulkheadd.audit", "/bulkheadd.reads", "/bulkheadd.events"] {
                let chain = try AuditChain(path: folder.path + log) { line in
                    if let uid = line.record.uid { users.insert(uid) }
                    if let pid = line.record.pid { processes.insert(pid) }
                }
                #expect(chain.isWhole, "\(log): \(chain.problems)")
                if log == "/bulkheadd.reads" {
                    // Started, connected, opened, and what was answered before it was killed.
                    #expect(chain.head.number == before + UInt64(3 + round * 20))
                    before = chain.head.number
                }
            }
            #expect(users == [getuid()] && processes == [getpid()])
        }
        let daemon = try DaemonProgram(folder)
        daemon.end()
        for log in ["/bulkheadd.audit", "/bulkheadd.reads", "/bulkheadd.events"] {
            var last: AuditRecord.Kind?
            #expect(try AuditChain(path: folder.path + log) { last = $0.record.kind }.isWhole)
            #expect(last == .ended)
        }
    }
}
