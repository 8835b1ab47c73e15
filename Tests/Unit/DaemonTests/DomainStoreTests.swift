@testable import Daemon
import Foundation
import GRDB
import Testing

@Suite struct DomainStoreTests {
    @Test func whatIsSavedIsThereAgain() throws {
        let folder = try TemporaryFolder(), path = folder.database
        defer { withExtendedLifetime(folder) {} }
        let first = StoredDomain(partition: "a", xml: "<domain>ä\n'</domain>", autostart: true, isUndefined: false)
        let second = StoredDomain(partition: "b", xml: nil, autostart: false, isUndefined: true)
        let store = try DomainStore(path: path)
        try store.save(machine: "m", [first])
        try store.save(machine: "m", [StoredDomain(partition: "b", xml: "x", autostart: true, isUndefined: false)])
        try store.save(machine: "m", [second])
        try store.save(machine: "other", [second])
        // Another process's view, while the first still has it open.
        let again = try DomainStore(path: path)
        #expect(try again.load(machine: "m").map { try $0.get() } == [first, second])
        #expect(try again.load(machine: "nobody").isEmpty)
    }

    /// Whoever made it, and with whatever umask.
    @Test func nobodyElseReadsTheDatabase() throws {
        let folder = try TemporaryFolder(), files = ["", "-wal", "-shm"].map { folder.database + $0 }
        defer { withExtendedLifetime(folder) {} }
        func modes() throws -> [Int?] {
            try files.map { try FileManager.default.attributesOfItem(atPath: $0)[.posixPermissions] as? Int }
        }
        let before = try DomainStore(path: folder.database)
        #expect(try modes() == [0o600, 0o600, 0o600])
        for file in files { #expect(chmod(file, 0o666) == 0) }
        let after = try DomainStore(path: folder.database)
        withExtendedLifetime((before, after)) {}
        #expect(try modes() == [0o600, 0o600, 0o600])
    }

    /// Somebody has put a link where the daemon expects a file of its own.
    @Test(arguments: ["", "-wal", "-shm", "-journal"]) func aLinkIsNotFollowed(ending: String) throws {
        let folder = try TemporaryFolder(), file = folder.path + "/other", link = folder.database + ending
        defer { withExtendedLifetime(folder) {} }
        #expect(FileManager.default.createFile(atPath: file, contents: nil) && chmod(file, 0o644) == 0)
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: file)
        #expect(throws: ExposedFile(path: link, number: ELOOP)) { try DomainStore(path: folder.database) }
        #expect(try FileManager.default.attributesOfItem(atPath: file)[.posixPermissions] as? Int == 0o644)
    }

    /// Closed to others or not: its owner could write into it, also where root may do as it likes.
    @Test(arguments: [0o600, 0o644] as [mode_t]) func anothersFileIsNotTaken(mode: mode_t) throws {
        let folder = try TemporaryFolder(), own = folder.database
        defer { withExtendedLifetime(folder) {} }
        #expect(FileManager.default.createFile(atPath: own, contents: nil) && chmod(own, mode) == 0)
        // Who may give nothing away sees one of root's that nobody else reads.
        let others = chown(own, geteuid() + 1, getegid()) == 0 ? own : "/proc/kmsg"
        let refusal = ExposedFile(path: others, number: EPERM)
        #expect(refusal.description.contains("chown"))
        if others == own { #expect(throws: refusal) { try DomainStore(path: own) } }
        #expect(throws: refusal) { try DatabaseFiles.keepFromOthers(others) }
        #expect(try FileManager.default.attributesOfItem(atPath: own)[.posixPermissions] as? Int == Int(mode))
    }

    /// Files whose modes nobody may change, not even root: one is open to others, one is not.
    @Test func nothingIsChangedWhereNothingHasToBe() throws {
        try DatabaseFiles.keepFromOthers("/proc/self/environ")
        let open = "/proc/self/status"
        #expect(throws: ExposedFile(path: open, number: EPERM)) { try DatabaseFiles.keepFromOthers(open) }
    }

    @Test func aDatabaseThatCannotBeOpenedIsSaid() {
        #expect(throws: (any Error).self) { try DomainStore(path: "/nowhere/a.sqlite") }
    }

    @Test func severalAreSavedTogetherOrNotAtAll() throws {
        let folder = try TemporaryFolder(), store = try DomainStore(path: folder.database)
        defer { withExtendedLifetime(folder) {} }
        try DatabaseQueue(path: folder.database).write { database in
            try database.execute(
                sql: """
                    CREATE TRIGGER t BEFORE INSERT ON domain WHEN NEW.partition = 'b'
                    BEGIN SELECT RAISE(ABORT, 'no'); END
                    """)
        }
        let domains = ["a", "b"].map { StoredDomain(partition: $0, xml: "x", autostart: true, isUndefined: false) }
        #expect(throws: DatabaseError.self) { try store.save(machine: "m", domains) }
        #expect(try store.load(machine: "m").isEmpty)
    }

    /// A table that something else has made: its rows end nothing, and take no other row with them.
    @Test func rowsThatTheDaemonDoesNotWriteAreLeftOut() throws {
        let folder = try TemporaryFolder()
        try DatabaseQueue(path: folder.database).write { database in
            try database.execute(
                sql: """
                    CREATE TABLE domain (machine, partition, xml, autostart, undefined);
                    INSERT INTO domain VALUES ('m', NULL, 'x', 1, 0), ('m', 'a', 'x', NULL, 0), ('m', 'b', 'x', 1, NULL),
                        ('m', 'c', x'C328', 1, 0), ('m', 'd', 'x', 'yes', 0), ('m', 'e', NULL, 1, 0)
                    """)
        }
        let rows = try DomainStore(path: folder.database).load(machine: "m")
        #expect(rows.count == 6)
        let whole = StoredDomain(partition: "e", xml: nil, autostart: true, isUndefined: false)
        #expect(rows.compactMap { try? $0.get() } == [whole])
        let bench = try DaemonBench([MemoryMachine.info("e", cores: 1, memory: 1 << 20)], in: folder)
        #expect(bench.daemon.machine.domain(partition: "e")?.autostart == true)
    }
}
