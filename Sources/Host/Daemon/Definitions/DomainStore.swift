import Foundation
import GRDB
import LibvirtWire

/// What is kept of a partition's domain.
struct StoredDomain: Equatable {
    var partition: String
    /// nil: nobody has defined one, or it was undefined.
    var xml: String?
    var autostart: Bool
    /// There is no domain, because a client undefined it.
    var isUndefined: Bool
}

/// A row that the daemon does not write so.
struct UnreadableRow: Error, CustomStringConvertible {
    /// nil: it names none.
    var partition: String?
    var description: String {
        partition.map { "the row of partition \($0) is not as the daemon writes it" }
            ?? "a row of the table domain names no partition"
    }
}

/// Definitions and autostart in a SQLite database. What is saved is on the disk when `save` returns: it survives a kill and a
/// loss of power.
final class DomainStore {
    private let queue: DatabaseQueue

    /// Opens or makes the database.
    /// - Throws: also when the database would not sync what it writes.
    init(path: String) throws {
        try DatabaseFiles.keepFromOthers(database: path)
        var configuration = Configuration()
        configuration.journalMode = .wal
        queue = try DatabaseQueue(path: path, configuration: configuration)
        // GRDB sets NORMAL with a write-ahead log, which may lose the last changes when power is lost.
        try queue.inDatabase { database in
            try database.execute(sql: "PRAGMA synchronous = FULL")
            guard try Int.fetchOne(database, sql: "PRAGMA synchronous") == 2 else {
                throw DatabaseError(message: "synchronous is not FULL")
            }
        }
        try queue.write { database in
            try database.execute(
                sql: """
                    CREATE TABLE IF NOT EXISTS domain (
                        machine TEXT NOT NULL, partition TEXT NOT NULL, xml TEXT,
                        autostart INTEGER NOT NULL, undefined INTEGER NOT NULL,
                        PRIMARY KEY (machine, partition)) STRICT
                    """)
        }
    }

    /// All rows of a machine. One that the daemon does not write so is a failure of its own: it takes no other with it.
    func load(machine: String) throws -> [Result<StoredDomain, UnreadableRow>] {
        try queue.read { database in
            let rows = try Row.fetchAll(
                database,
                sql: "SELECT partition, xml, autostart, undefined FROM domain WHERE machine = ? ORDER BY partition",
                arguments: [machine])
            return rows.map { row in Result { () throws(UnreadableRow) in try Self.read(row) } }
        }
    }

    private static func read(_ row: Row) throws(UnreadableRow) -> StoredDomain {
        guard let partition = String.fromDatabaseValue(row[0]) else { throw UnreadableRow() }
        let xml: DatabaseValue = row[1]
        guard let autostart = Bool.fromDatabaseValue(row[2]), let isUndefined = Bool.fromDatabaseValue(row[3]),
            xml.isNull || String.fromDatabaseValue(xml) != nil
        else { throw UnreadableRow(partition: partition) }
        return StoredDomain(
            partition: partition, xml: String.fromDatabaseValue(xml), autostart: autostart, isUndefined: isUndefined)
    }

    /// Saves all or, when it throws, none.
    func save(machine: String, _ domains: [StoredDomain]) throws {
        try queue.write { database in
            for domain in domains {
                try database.execute(
                    sql: """
                        INSERT INTO domain (machine, partition, xml, autostart, undefined) VALUES (?, ?, ?, ?, ?)
                        ON CONFLICT (machine, partition) DO UPDATE
                        SET xml = excluded.xml, autostart = excluded.autostart, undefined = excluded.undefined
                        """,
                    arguments: [machine, domain.partition, domain.xml, domain.autostart, domain.isUndefined])
            }
        }
    }
}
