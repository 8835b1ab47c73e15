import Control
@testable import Daemon
import LibvirtWire
import Testing

/// A domain that libvirt's `create` starts, and what others do while it is being started.
@Suite struct CreateTests {
    private let bench: DaemonBench
    private let client: BenchClient
    private let brief = domainXML("brief", in: "workload")

    init() throws {
        bench = try DaemonBench()
        client = try bench.client()
    }

    /// What has been asked of the machine fails.
    private func fail() {
        bench.work()
        bench.daemon.take(.down("it hung up"))
        bench.up(MemoryMachine.two)
    }

    @Test func itIsStartedOnce() throws {
        let other = try bench.client()
        #expect(try client.create(brief) == nil)
        #expect(try other.create(brief)?.code == 55)
        fail()
        #expect(client.answer?.code == 38)
        #expect(bench.names == ["loop", "workload"])
        // It may be tried again.
        #expect(try other.create(brief) == nil)
        fail()
        #expect(bench.names == ["loop", "workload"])
    }

    @Test func whatIsDefinedMeanwhileStays() throws {
        try client.create(brief)
        bench.work()
        #expect(try bench.client().define(domainXML("brief", in: "workload", "<title>kept</title>"))?.code == 0)
        fail()
        #expect(client.answer?.code == 38)
        #expect(bench.names == ["loop", "brief"])
        #expect(bench.daemon.machine.domain(partition: "workload")?.definition?.text.contains("kept") == true)
    }

    @Test func whatIsUndefinedMeanwhileStaysSo() throws {
        let other = try bench.client()
        try client.create(brief)
        #expect(try other.define(brief)?.code == 0)
        let wire = try bench.wire("workload")
        #expect(try other.call("domain_undefine") { wire.write(&$0) }?.code == 0)
        fail()
        #expect(bench.names == ["loop"])
    }

    @Test func itDoesNotMoveMeanwhile() throws {
        try client.create(brief)
        let wire = try bench.wire("workload")
        #expect(try bench.client().define(domainXML("brief", in: "loop", uuid: wire.uuid))?.code == 67)
        #expect(bench.names == ["loop", "brief"])
    }
}
