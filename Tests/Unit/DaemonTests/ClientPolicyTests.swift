import Audit
import Control
@testable import Daemon
import Foundation
import LibvirtWire
import Logging
import NIOCore
import Policy
import Testing

/// Each client may do what the policy lets the user at its other end, whatever it says of itself; what he does not see is not there.
@Suite struct ClientPolicyTests {
    private static let text = """
        roles:
          operator:
            - {allow: [read, start, stop], partitions: [loop]}
            - {allow: [define], partitions: [loop], when: {machine: m}}
          viewer: [{allow: [read], partitions: all}]
          owner: [{allow: [read, console, start, stop, pause, restart, define], partitions: all}]
        users: {1: [operator], 2: [viewer], 3: [owner]}
        """
    private let bench: DaemonBench

    init() throws {
        bench = try DaemonBench(isAudited: true, policy: Policy(Self.text, file: "policy"))
        bench.machine.with { $0.obeys = true }
    }

    private func client(_ uid: UInt32?) throws -> BenchClient {
        let client = try bench.client()
        client.connection.peer = uid.map { PeerIdentity(uid: $0, pid: 1) }
        return client
    }

    /// The names in the answer to a list of all domains.
    private func names(_ client: BenchClient) throws -> [String] {
        let answer = try #require(
            try client.call("connect_list_all_domains") { writer in
                writer.bool(true)
                writer.uint32(0)
            })
        var reader = XDRReader(answer.packet.payload)
        return try reader.array(max: 64, least: 24) { (reader) throws(XDRError) in try WireDomain(&reader) }.map(\.name)
    }

    @Test func onlyWhatOneSeesIsListed() throws {
        let operated = try client(1), viewer = try client(2)
        #expect(try names(operated) == ["loop"] && names(viewer) == ["loop", "workload"])
        let hidden = try bench.wire("workload"), made = WireDomain(name: "workload", uuid: .named("x", "y"), id: -1)
        // In the same words as of one that there is not.
        var words: [String] = []
        for domain in [hidden, made] {
            let answer = try operated.call("domain_get_info") { domain.write(&$0) }
            #expect(answer?.code == 42)
            words.append(try #require(answer).text.replacing("\(domain.uuid)", with: "U"))
        }
        #expect(words[0] == words[1])
        #expect(try operated.call("domain_lookup_by_name") { $0.string("workload") }?.code == 42)
        #expect(try operated.call("domain_lookup_by_name") { $0.string("loop") }?.code == 0)
        #expect(try operated.call("domain_lookup_by_uuid") { $0.fixed(hidden.uuid.bytes) }?.code == 42)
        for name in ["connect_num_of_defined_domains"] {
            var reader = XDRReader(try #require(try operated.call(name)).packet.payload)
            #expect(try reader.int32() == 1)
        }
        let statistics = try operated.call("connect_get_all_domain_stats") { writer in
            writer.uint32(1)
            hidden.write(&writer)
            writer.uint32(1)
            writer.uint32(0)
        }
        #expect(statistics?.code == 42)
        // Nor are its events told.
        for client in [operated, viewer] { #expect(try client.register()?.code == 0) }
        var partitions = MemoryMachine.two
        partitions[1].state = .running
        bench.daemon.take(.partitions(partitions))
        #expect(operated.messages.isEmpty && viewer.messages == [EventProcedures.lifecycle])
    }

    @Test func onlyWhatIsAllowedIsCarriedOut() throws {
        let operated = try client(1), loop = try bench.wire("loop")
        let refused = try operated.call("domain_suspend") { loop.write(&$0) }
        #expect(
            refused?.text.contains("the policy does not let 1 pause on loop: no rule of operator does") == true,
            "\(String(describing: refused?.text))")
        #expect(refused?.code == 88)
        let viewer = try client(2)
        for row in ["domain_create", "domain_destroy", "domain_reset", "domain_open_console", "domain_set_autostart"] {
            let answer = try viewer.call(row) { writer in
                loop.write(&writer)
                for _ in 0..<2 { writer.uint32(0) }
            }
            #expect(answer?.code == 88, "\(row)")
        }
        bench.work()
        #expect(bench.machine.with { $0.calls }.isEmpty)
        #expect(try client(3).call("domain_create") { try? self.bench.wire("workload").write(&$0) } == nil)
        bench.work()
        #expect(bench.machine.with { $0.calls } == ["start workload"])
    }

    /// Who is nobody, to the system or to the policy, is not let in; nothing that a client sends says who it is.
    @Test(arguments: [nil, 4, .max] as [UInt32?]) func strangersGetNothing(_ uid: UInt32?) throws {
        let stranger = try client(uid)
        stranger.connection.session.isOpen = false
        let opened = try stranger.call("connect_open") { writer in
            writer.optionalString("bulkhead:///system")
            writer.uint32(0)
        }
        #expect(opened?.code == 88)
        stranger.connection.session.isOpen = true
        for name in ["connect_num_of_domains", "connect_get_hostname", "connect_get_capabilities", "node_get_info"] {
            #expect(try stranger.call(name)?.code == 88, "\(name)")
        }
        #expect(try stranger.define(domainXML("work", in: "loop"))?.code == 88)
    }

    @Test func definitionsGoWhereTheyMay() throws {
        let operated = try client(1)
        #expect(try operated.define(domainXML("work", in: "loop"))?.code == 0)
        #expect(try operated.define(domainXML("other", in: "workload"))?.code == 88)
        let placeless = "<domain type='bulkhead'><name>x</name><memory unit='GiB'>1</memory></domain>"
        let answer = try operated.define(placeless)
        #expect(answer?.code == 67 && answer?.text.contains("workload") == false)
        #expect(try client(2).define(domainXML("x", in: "loop"))?.code == 88)
        #expect(try client(3).define(placeless)?.code == 0)
        // One that moves leaves the partition that it had, which is to be allowed, too.
        let uuid = try bench.wire("workload").uuid, work = try bench.wire("loop")
        #expect(try client(3).call("domain_undefine") { work.write(&$0) }?.code == 0)
        #expect(try operated.define(domainXML("x", in: "loop", uuid: uuid))?.code == 28, "it does not see that")
        let seen = Self.text.replacing("users: {1: [operator]", with: "users: {1: [operator, viewer]")
        bench.daemon.take(try Policy(seen, file: "policy"))
        #expect(try client(1).define(domainXML("x", in: "loop", uuid: uuid))?.code == 88)
        bench.daemon.take(try Policy(Self.text, file: "policy"))
        #expect(try operated.create(domainXML("work", in: "workload"))?.code == 88)
        #expect(bench.names == ["x"])
        // On another machine it may not.
        bench.up(MemoryMachine.two, "another")
        #expect(try client(1).define(domainXML("work", in: "loop"))?.code == 88)
    }

    /// From the next call on; whom it gives nothing is cut off.
    @Test func anotherPolicyCounts() throws {
        let operated = try client(1), viewer = try client(2), loop = try bench.wire("loop")
        #expect(try operated.call("domain_suspend") { loop.write(&$0) }?.code == 88)
        let text = Self.text.replacing("[read, start, stop]", with: "[read, pause]").replacing(
            ", 2: [viewer]", with: "")
        bench.daemon.take(try Policy(text, file: "policy"))
        #expect(try operated.call("domain_create") { loop.write(&$0) }?.code == 88)
        #expect(try operated.call("domain_suspend") { loop.write(&$0) }?.code == 55)
        #expect(try viewer.call("connect_num_of_domains")?.code == 88)
        #expect(operated.cutOffs.isEmpty && viewer.cutOffs == ["the policy has no user with uid 2"])
    }

    /// What goes on is decided anew: a console that was opened is closed when the policy, or the time, is another one.
    @Test func aConsoleIsNotKept() throws {
        var partitions = MemoryMachine.two
        partitions[0].state = .running
        bench.daemon.take(.partitions(partitions))
        let owner = try client(3), loop = try bench.wire("loop")
        try owner.call("domain_open_console") { writer in
            loop.write(&writer)
            writer.optionalString(nil)
            writer.uint32(0)
        }
        bench.work()
        #expect(owner.answer?.code == 0)
        let stream = try #require(owner.answer).packet.header
        func type(_ text: String) throws {
            let header = PacketHeader(procedure: stream.procedure, type: .stream, serial: stream.serial, status: .more)
            try owner.connection.receive(Packet(header, Array(text.utf8)))
            bench.work()
        }
        try type("a")
        #expect(bench.machine.with { $0.typed } == Array("a".utf8))
        bench.daemon.take(try Policy(Self.text.replacing("read, console, start", with: "read, start"), file: "policy"))
        try type("b")
        #expect(bench.machine.with { $0.typed } == Array("a".utf8))
        bench.machine.with { $0.console = Array("secret".utf8) }
        bench.loop.advanceTime(by: .seconds(1))
        bench.work()
        #expect(!owner.streamed.contains("secret"))
        #expect(owner.packets.contains { $0.header.type == .stream && $0.header.status == .error })
    }

    /// What the daemon does later for somebody who may not do it himself.
    @Test func autostartIsAStart() throws {
        let text = Self.text.replacing("[read, start, stop]", with: "[read]")
        bench.daemon.take(try Policy(text, file: "policy"))
        let operated = try client(1), loop = try bench.wire("loop")
        #expect(try operated.setAutostart(loop)?.code == 88)
        #expect(try client(3).setAutostart(loop)?.code == 0)
        // Nor by moving one that has it.
        let owner = try client(3)
        #expect(try owner.define(domainXML("work", in: "loop"))?.code == 0)
        #expect(try owner.setAutostart(try bench.wire("loop"))?.code == 0)
        let named = text.replacing("[loop]", with: "[loop, workload]"), uuid = try bench.wire("loop").uuid
        bench.daemon.take(try Policy(named, file: "policy"))
        let refused = try client(1).define(domainXML("work", in: "workload", uuid: uuid))
        #expect(refused?.code == 88 && refused?.text.contains("start on workload") == true)
    }

    /// Many of one user's do not keep others out, nor wait before theirs.
    @Test func aUserHasAShare() throws {
        let others = try (0..<3).map { _ in try client(1) }, loop = try bench.wire("loop")
        var codes: [Int32: Int] = [:]
        for number in 0..<300 {
            if let answer = try others[number % 3].call("domain_destroy", { loop.write(&$0) }) {
                codes[answer.code, default: 0] += 1
            }
        }
        // A hundred changes are begun; the machine is asked for none of them, since nothing runs.
        #expect(codes == [55: 100, 87: 200])
        bench.loop.advanceTime(by: .milliseconds(250))
        codes = [:]
        for _ in 0..<5 {
            if let answer = try others[0].call("domain_destroy", { loop.write(&$0) }) {
                codes[answer.code, default: 0] += 1
            }
        }
        #expect(codes == [55: 2, 87: 3])
        // Those of another one have their own.
        #expect(try client(3).call("domain_destroy") { loop.write(&$0) }?.code == 55)
        for _ in 0..<61 { _ = try client(1) }
        let next = try BenchClient(bench.daemon, isOpen: false)
        next.connection.close()
        next.connection.peer = PeerIdentity(uid: 1, pid: 1)
        #expect(bench.daemon.refusal(ofNew: next.connection) == "uid 1 has 64 connections already")
        next.connection.peer = PeerIdentity(uid: 2, pid: 1)
        #expect(bench.daemon.refusal(ofNew: next.connection) == nil)
    }

    /// Calls that wait, and consoles that are open: fewer than the link has places, so that others have some.
    @Test func whatWaitsIsBounded() throws {
        var partitions = MemoryMachine.two
        (partitions[0].state, partitions[1].state) = (.running, .running)
        bench.daemon.take(.partitions(partitions))
        let viewers = try (0..<3).map { _ in try client(2) }
        var busy = 0
        for number in 0..<40 {
            let answer = try viewers[number % 3].call("connect_get_all_domain_stats") { writer in
                for _ in 0..<3 { writer.uint32(0) }
            }
            if answer?.code == 87 { busy += 1 }
        }
        #expect(busy == 40 - 32)
        #expect(
            try client(3).call("connect_get_all_domain_stats") { for _ in 0..<3 { $0.uint32(0) } } == nil,
            "another's wait")
        let loop = try bench.wire("loop")
        var codes: [Int32] = []
        for _ in 0..<3 {
            let third = try client(3)
            for _ in 0..<16 {
                try third.call("domain_open_console") { writer in
                    loop.write(&writer)
                    writer.optionalString(nil)
                    writer.uint32(0)
                }
                for _ in 0..<5 { bench.work() }
                if let code = third.answer?.code { codes.append(code) }
                bench.loop.advanceTime(by: .seconds(1))
            }
        }
        #expect(codes.count { $0 == 0 } < 40 && codes.contains(87), "\(codes)")
    }

    /// Refused connections of any number of users are said once a minute, with how many there were.
    @Test func strangersAreCounted() {
        let start = NIODeadline.now()
        var refusals = RefusalWords(), said: [Int] = []
        for second in 0..<180 {
            for _ in 0..<10 { if let others = refusals.refuse(start + .seconds(Int64(second))) { said.append(others) } }
        }
        #expect(said.count == 3 && said[0] == 0 && said[1] > 500)
    }

    /// Whom another policy gives more than reading, or nothing more than that, connects anew: his place was reckoned otherwise.
    @Test func otherRightsNeedAnotherConnection() throws {
        let viewer = try client(2), operated = try client(1)
        bench.daemon.take(try Policy(Self.text.replacing("2: [viewer]", with: "2: [viewer, operator]"), file: "policy"))
        #expect(viewer.cutOffs.count == 1 && operated.cutOffs.isEmpty)
    }

    /// Of what is hidden no definition tells.
    @Test func whatIsHiddenIsNotToldByDefining() throws {
        let hidden = try bench.wire("workload"), operated = try client(1)
        for xml in [domainXML("workload", in: "loop"), domainXML("x", in: "loop", uuid: hidden.uuid)] {
            let answer = try operated.define(xml)
            #expect(answer?.code != 0)
            #expect(answer?.text.contains("partition 'workload'") == false)
            if !xml.contains("\(hidden.uuid)") { #expect(answer?.text.contains("\(hidden.uuid)") == false) }
        }
        // Not where a domain is that was seen before, either.
        #expect(try client(3).define(domainXML("work", in: "workload"))?.code == 0)
        let known = try bench.wire("workload").uuid
        let moved = try operated.define(domainXML("work", in: "loop", uuid: known))
        #expect(moved?.code == 28 && moved?.text.contains("workload") == false)
        let nowhere = try client(3).define(domainXML("x", in: "none"))
        #expect(nowhere?.code == 67 && nowhere?.text.contains("workload") == false)
    }

    /// The rule by which something was allowed or refused is in the log.
    @Test func theAuditLogNamesTheRule() throws {
        let operated = try client(1), loop = try bench.wire("loop")
        try operated.call("domain_create") { loop.write(&$0) }
        try operated.call("domain_suspend") { loop.write(&$0) }
        bench.daemon.take(try Policy(Self.text + "\n", file: "policy"))
        var details: [String] = [], policies: Set<String> = []
        for log in ["/bulkheadd.audit", "/bulkheadd.reads"] {
            _ = try AuditChain(path: bench.folder.path + log) {
                if $0.record.kind == .policy, let digest = $0.record.detail { policies.insert(digest) }
                if let call = $0.record.call { details.append("\(call): \($0.record.detail ?? "")") }
            }
        }
        #expect(policies.count == 2 && policies.allSatisfy { $0.hasPrefix("SHA-256 ") })
        #expect(
            details == [
                "domain_create: role operator, line 3",
                "domain_suspend: the policy does not let 1 pause on loop: no rule of operator does",
            ])
    }

    /// Whatever changes something and names a domain is one of the policy's operations: a new procedure is not forgotten.
    @Test func eachChangeIsAnOperation() {
        let table = bench.daemon.table
        for number in table.numbers {
            guard let row = table[number], row.access == .change else { continue }
            if ["domain_define_xml", "domain_define_xml_flags", "domain_create_xml"].contains(row.name) { continue }
            #expect(PolicyOperation(procedure: row.name) != nil, "\(row.name)")
        }
    }

    /// With a policy every user may connect, and the system says who he is.
    @Test func theSocketsAreOpenToWhomThePolicyKnows() throws {
        for (user, isKnown) in [(getuid(), true), (getuid() &+ 1, false)] {
            let folder = try TemporaryFolder()
            var configuration = DaemonConfiguration(machine: folder.path + "/link.sock", folder: folder.path)
            configuration.policy = try Policy(
                "roles: {v: [{allow: [read], partitions: all}]}\nusers: {\(user): [v]}", file: "policy")
            let server = try DaemonServer(configuration, log: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
            defer { withExtendedLifetime(folder) { server.stop() } }
            let mode = try FileManager.default.attributesOfItem(atPath: configuration.socket)[.posixPermissions] as? Int
            #expect(mode == 0o666)
            let client = try SocketClient(configuration.socket)
            guard isKnown else {
                #expect(client.isCutOff)
                continue
            }
            let opened = try client.call("connect_open") { writer in
                writer.optionalString("bulkhead:///system")
                writer.uint32(0)
            }
            #expect(opened?.code == 0)
            // Of whom the policy lets do no more than read, nothing else is looked at.
            #expect(try client.call("domain_define_xml") { $0.string("<domain/>") }?.code == 29)
        }
    }
}
