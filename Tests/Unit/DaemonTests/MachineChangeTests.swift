import Control
@testable import Daemon
import LibvirtWire
import Testing

/// The machine goes, comes back, and is another one.
@Suite struct MachineChangeTests {
    private let bench: DaemonBench
    private let client: BenchClient

    init() throws {
        bench = try DaemonBench()
        client = try bench.client()
    }

    /// What was true may be so no longer: VIR_ERR_SYSTEM_ERROR, whatever is asked of a domain.
    @Test func whileTheMachineIsGoneNothingIsSaidOfItsDomains() throws {
        let loop = try bench.wire("loop")
        bench.daemon.take(.down("it hung up"))
        let names = Set(bench.daemon.table.numbers.map(ProcedureNames.name))
        #expect(names.isSuperset(of: AccessTests.ofNoDomain))
        for name in names {
            let answer = try client.call(name) { loop.write(&$0) }
            let isRefused = answer?.code == 38 && answer?.text.contains("it hung up") == true
            #expect(isRefused == !AccessTests.ofNoDomain.contains(name), "\(name)")
            client.connection.session.isOpen = true
        }
        // The connection itself is well, and who waits for the machine may.
        #expect(try client.call("connect_get_type")?.code == 0)
        #expect(try client.register()?.code == 0)
        bench.up(MemoryMachine.two)
        #expect(try client.call("domain_get_state") { loop.write(&$0) }?.code == 0)
    }

    @Test func aPartitionThatIsNoMoreTakesItsDomainAlong() throws {
        #expect(try client.register()?.code == 0)
        let workload = try bench.wire("workload")
        var failure: RemoteError?
        bench.daemon.change(.start, try #require(bench.daemon.machine.domain(partition: "workload"))) { result in
            if case .failure(let error) = result { failure = error }
        }
        bench.work()
        bench.daemon.take(.partitions([MemoryMachine.two[0]]))
        #expect(bench.names == ["loop"])
        #expect(try client.call("domain_get_state") { workload.write(&$0) }?.code == 42)
        #expect(client.messages == [EventProcedures.lifecycle])
        // Who waited for it to start is told.
        #expect(failure?.code == .operationFailed)
    }

    /// The next machine has definitions of its own.
    @Test func anotherMachineHasItsOwnDomains() throws {
        #expect(try client.define(domainXML("work", in: "workload"))?.code == 0)
        bench.up(MemoryMachine.two, "other")
        #expect(bench.names == ["loop", "workload"])
        #expect(try client.define(domainXML("others", in: "workload"))?.code == 0)
        bench.up(MemoryMachine.two)
        #expect(bench.names == ["loop", "work"])
        bench.up(MemoryMachine.two, "other")
        #expect(bench.names == ["loop", "others"])
    }

    /// The partitions are looked at between the call and the start.
    @Test func aTransientDomainKeepsItsXML() throws {
        try client.create(domainXML("brief", in: "workload", "<title>kept</title>"))
        bench.work()
        #expect(client.answer == nil)
        func look(_ state: PartitionState) {
            var partitions = MemoryMachine.two
            partitions[1].state = state
            partitions[1].cause = .manager
            partitions[1].starts = state == .running ? 1 : 0
            bench.daemon.take(.partitions(partitions))
        }
        look(.stopped)
        look(.starting)
        look(.running)
        #expect(client.answer?.code == 0)
        let brief = try bench.wire("workload")
        #expect(brief.name == "brief")
        let xml = try client.call("domain_get_xml_desc") { writer in
            brief.write(&writer)
            writer.uint32(0)
        }
        #expect(xml?.text.contains("<title>kept</title>") == true)
        look(.stopped)
        #expect(bench.names == ["loop"])
    }

    /// Autostart asks what `start` asks: whether the domain is still as the manifest gives the partition.
    @Test(arguments: [1, 2] as [UInt64]) func autostartChecksTheManifest(gib: UInt64) throws {
        let xml = domainXML("work", in: "workload", "<memory unit='GiB'>1</memory>")
        #expect(try client.define(xml)?.code == 0)
        let work = try bench.wire("workload")
        #expect(try client.setAutostart(work)?.code == 0)
        let partitions = [MemoryMachine.info("workload", cores: 12, memory: gib << 30)]
        let next = try DaemonBench(partitions, in: bench.folder)
        next.work()
        #expect(next.names == ["work"])
        #expect(next.machine.with { $0.calls } == (gib == 1 ? ["start workload"] : []))
    }
}
