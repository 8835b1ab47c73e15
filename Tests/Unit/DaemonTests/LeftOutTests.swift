import Control
@testable import Daemon
import GRDB
import LibvirtWire
import Testing

/// What was saved and cannot be taken stays saved until somebody defines a domain whose `<resource>` names its partition.
@Suite struct LeftOutTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func save(_ partition: String, _ name: String) throws {
        let xml = domainXML(name, in: partition, "<title>kept</title>")
        let stored = StoredDomain(partition: partition, xml: xml, autostart: true, isUndefined: false)
        try DomainStore(path: folder.database).save(machine: "m", [stored])
    }

    /// What the database has of the partition "workload".
    private func saved() throws -> Row? {
        try DatabaseQueue(path: folder.database).read { database in
            try Row.fetchOne(database, sql: "SELECT xml, autostart FROM domain WHERE partition = 'workload'")
        }
    }

    private func execute(_ sql: String) throws {
        try DatabaseQueue(path: folder.database).write { try $0.execute(sql: sql) }
    }

    @Test func aDatabaseThatCannotBeReadNowIsReadLater() throws {
        try save("workload", "work")
        let bench = try DaemonBench(in: folder, isUp: false), client = try bench.client()
        try execute("ALTER TABLE domain RENAME TO elsewhere")
        bench.up(MemoryMachine.two)
        try execute("ALTER TABLE elsewhere RENAME TO domain")
        // It could be saved again, but nobody has seen what that would overwrite.
        let workload = try bench.wire("workload")
        #expect(try client.setAutostart(workload)?.code == 38)
        #expect(try client.setTitle(workload, "lost")?.code == 38)
        #expect(try client.call("domain_undefine") { workload.write(&$0) }?.code == 38)
        #expect(try client.define(domainXML("other", in: "workload"))?.code == 38)
        #expect(try client.create(domainXML("other", in: "workload"))?.code == 38)
        bench.work()
        #expect(bench.machine.with { $0.calls }.isEmpty)
        bench.daemon.take(.partitions(MemoryMachine.two))
        #expect(bench.names == ["loop", "work"])
        bench.work()
        // What starts with the machine was not forgotten.
        #expect(bench.machine.with { $0.calls } == ["start workload"])
        #expect(try client.setTitle(try bench.wire("workload"), "new")?.code == 0)
    }

    private func expectKept(_ bench: DaemonBench) throws {
        let client = try bench.client(), workload = try bench.wire("workload"), before = try saved()
        #expect(before != nil && workload.name == "workload")
        let answers = [
            try client.setAutostart(workload), try client.setTitle(workload, "lost"),
            try client.call("domain_undefine") { workload.write(&$0) },
        ]
        #expect(answers.map { $0?.code } == [55, 55, 55])
        #expect(answers[0]?.text.contains("left out") == true)
        #expect(try saved() == before)
        #expect(bench.daemon.machine.partitions.allSatisfy { !$0.autostart })
    }

    /// What names no partition is not put where something is left out: not as the only one that fits, nor by its name or UUID.
    @Test func whatNamesNoPartitionOverwritesNothing() throws {
        try save("workload", "loop")
        let bench = try DaemonBench(in: folder), client = try bench.client(), before = try saved()
        let large = "<memory unit='GiB'>1</memory>", own = "<uuid>\(try bench.wire("workload").uuid)</uuid>"
        for content in [large, large + own, own] {
            for name in ["work", "workload"] where content == large || name == "workload" {
                let xml = "<domain type='bulkhead'><name>\(name)</name>\(content)</domain>"
                for answer in [try client.define(xml), try client.create(xml)] {
                    #expect(answer?.code == 67 && answer?.text.contains("left out") == true, "\(xml)")
                }
            }
        }
        // It is no candidate: of those that fit there is one.
        #expect(try client.define("<domain type='bulkhead'><name>other</name></domain>")?.code == 0)
        #expect(bench.names == ["other", "workload"])
        bench.work()
        #expect(try saved() == before && bench.machine.with { $0.calls }.isEmpty)
    }

    @Test func aDefinitionThatClashesIsNotOverwritten() throws {
        try save("workload", "loop")
        let bench = try DaemonBench(in: folder), client = try bench.client()
        try expectKept(bench)
        #expect(try client.define(domainXML("work", in: "workload"))?.code == 0)
        #expect(try client.setAutostart(try bench.wire("workload"))?.code == 0)
        #expect(try DaemonBench(in: folder).names == ["loop", "work"])
    }

    /// The manifest has another partition now, of the definition's name.
    @Test func aDefinitionWhoseNameIsAPartitionsIsNotOverwritten() throws {
        try save("workload", "work")
        let bench = try DaemonBench(in: folder)
        #expect(bench.names == ["loop", "work"])
        bench.up(MemoryMachine.two + [MemoryMachine.info("work", cores: 16, memory: 1 << 20)])
        try expectKept(bench)
    }

    /// Of a domain that goes when it stops nothing is saved: its partition is free then.
    @Test func nothingOfATransientDomainIsLeftOut() throws {
        let bench = try DaemonBench(in: folder), client = try bench.client()
        try client.create(domainXML("brief", in: "workload"))
        bench.work()
        var partitions = MemoryMachine.two
        (partitions[1].state, partitions[1].starts) = (.running, 1)
        bench.daemon.take(.partitions(partitions))
        #expect(client.answer?.code == 0 && bench.names == ["loop", "brief"])
        let brief = MemoryMachine.info("brief", cores: 16, memory: 1 << 20)
        bench.up(partitions + [brief])
        #expect(bench.names == ["loop", "workload", "brief"])
        bench.daemon.take(.partitions(MemoryMachine.two + [brief]))
        #expect(bench.names == ["loop", "brief"])
        let xml = "<domain type='bulkhead'><name>other</name><memory unit='GiB'>1</memory></domain>"
        #expect(try client.define(xml)?.code == 0)
        #expect(bench.names == ["loop", "other", "brief"])
    }

    @Test func aRowThatCannotBeReadIsNotOverwritten() throws {
        try execute(
            """
            CREATE TABLE domain (machine, partition, xml, autostart, undefined, PRIMARY KEY (machine, partition));
            INSERT INTO domain VALUES ('m', 'workload', x'C328', 1, 0)
            """)
        try expectKept(try DaemonBench(in: folder))
    }
}
