import Control
@testable import Daemon
import GRDB
import LibvirtWire
import Testing

/// There is one domain of a name and one of a UUID, whatever the machine, the clients and the database say.
@Suite struct UniqueNameTests {
    private let bench: DaemonBench
    private let client: BenchClient

    init() throws {
        bench = try DaemonBench()
        client = try bench.client()
    }

    private func xml(_ partition: String) throws -> String? {
        let store = try DomainStore(path: bench.folder.database)
        return try store.load(machine: "m").compactMap { try? $0.get() }.first { $0.partition == partition }?.xml
    }

    @Test func aPartitionsOwnNameAndUUIDAreKeptForIt() throws {
        let own = WireUUID.named("m", "loop")
        #expect(try client.define(domainXML("loop", in: "workload"))?.code == 28)
        #expect(try client.define(domainXML("other", in: "workload", uuid: own))?.code == 28)
        // Also while there is no domain in it: it could come back.
        let loop = try #require(bench.daemon.machine.domain(partition: "loop")).wire
        #expect(try client.call("domain_undefine") { loop.write(&$0) }?.code == 0)
        #expect(bench.names == ["workload"])
        #expect(try client.define(domainXML("loop", in: "workload"))?.code == 28)
        #expect(try client.define(domainXML("loop", in: "loop"))?.code == 0)
    }

    @Test func whatIsDefinedIsNotStartedASecondTime() throws {
        let uuid = WireUUID.random()
        #expect(try client.define(domainXML("work", in: "workload", uuid: uuid))?.code == 0)
        for xml in [domainXML("work", in: "loop", uuid: uuid), domainXML("work", in: "loop")] {
            let answer = try client.call("domain_create_xml") { writer in
                writer.string(xml)
                writer.uint32(0)
            }
            #expect(answer?.code == 28)
        }
        #expect(try client.define(domainXML("other", in: "loop", uuid: uuid))?.code == 28)
        #expect(bench.names == ["loop", "work"])
    }

    /// In one transaction: no moment has two of them, or none.
    @Test func aDomainThatMovesLeavesItsPartition() throws {
        let uuid = WireUUID.random()
        #expect(try client.define(domainXML("work", in: "workload", uuid: uuid))?.code == 0)
        // What starts with the machine is the domain, and not what was in its new partition.
        #expect(try client.setAutostart(try bench.wire("loop"))?.code == 0)
        let refusing = try DatabaseQueue(path: bench.folder.database)
        try refusing.write { database in
            try database.execute(
                sql: """
                    CREATE TRIGGER t BEFORE UPDATE ON domain WHEN NEW.partition = 'workload'
                    BEGIN SELECT RAISE(ABORT, 'full'); END
                    """)
        }
        #expect(try client.define(domainXML("work", in: "loop", uuid: uuid))?.code == 38)
        #expect(bench.names == ["loop", "work"])
        #expect(try xml("loop") == nil)
        #expect(try xml("workload")?.contains("<name>work<") == true)
        try refusing.write { try $0.execute(sql: "DROP TRIGGER t") }
        #expect(try client.define(domainXML("work", in: "loop", uuid: uuid))?.code == 0)
        #expect(bench.names == ["work"])
        #expect(try xml("loop")?.contains("<name>work<") == true)
        #expect(try xml("workload") == nil)
        func autostart() -> [Bool] { bench.daemon.machine.partitions.map(\.autostart) }
        #expect(autostart() == [false, false])
        #expect(try client.setAutostart(try bench.wire("loop"))?.code == 0)
        #expect(try client.define(domainXML("work", in: "workload", uuid: uuid))?.code == 0)
        #expect(autostart() == [false, true])
    }

    /// A database that somebody has written into, or of another manifest.
    @Test func aDatabaseBringsNoSecondDomainOfAName() throws {
        let folder = try TemporaryFolder(), uuid = WireUUID.random()
        let store = try DomainStore(path: folder.database)
        func save(_ partition: String, _ name: String) throws {
            let xml = domainXML(name, in: partition, uuid: uuid)
            try store.save(
                machine: "m", [StoredDomain(partition: partition, xml: xml, autostart: true, isUndefined: false)])
        }
        try save("loop", "work")
        try save("workload", "work")
        let first = try DaemonBench(in: folder)
        #expect(first.names == ["work", "workload"])
        #expect(first.daemon.machine.domain(partition: "workload")?.autostart == false)
        try save("loop", "workload")
        #expect(try DaemonBench(in: folder).names == ["loop", "work"])
    }

    /// The machine comes back with a manifest that names a partition as a domain is called.
    @Test func aNewPartitionKeepsItsName() throws {
        #expect(try client.define(domainXML("work", in: "workload"))?.code == 0)
        bench.up(MemoryMachine.two + [MemoryMachine.info("work", cores: 16, memory: 1 << 20)])
        #expect(bench.names == ["loop", "workload", "work"])
    }

    @Test func metadataChangeNothingElse() throws {
        #expect(try client.define(domainXML("work", in: "workload"))?.code == 0)
        let wire = try #require(bench.daemon.machine.domain(partition: "workload")).wire
        func set(_ content: String, key: String) throws -> Int32? {
            try client.call("domain_set_metadata") { writer in
                wire.write(&writer)
                writer.int32(2)
                for text in [content, key, "http://one"] { writer.optionalString(text) }
                writer.uint32(0)
            }?.code
        }
        #expect(try set("<a/>", key: "k") == 0)
        for key in ["", "1", "a b", "a/><name>loop</name", "xmlk", "a:b", String(repeating: "k", count: 65)] {
            #expect(try set("<a/>", key: key) == 8, "\(key)")
        }
        #expect(try set("<a/></metadata><name>loop</name><metadata>", key: "k") == 27)
        #expect(bench.names == ["loop", "work"])
    }
}
