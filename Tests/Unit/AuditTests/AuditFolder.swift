@testable import Audit
import Foundation

/// A folder that goes with its owner.
final class AuditFolder {
    let path: String

    init() throws {
        let url = FileManager.default.temporaryDirectory.appending(path: "audit-\(UUID())")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        path = url.path
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    var log: String { path + "/a.audit" }

    func record(_ number: Int) -> AuditRecord {
        var record = AuditRecord(.answer)
        (record.client, record.uid, record.call, record.result) = (number, 1000, "domain_create", "ok")
        return record
    }

    /// Records from 1 on.
    @discardableResult
    func write(_ count: Int, limit: Int = 1 << 20, files: Int = AuditLog.files) throws -> AuditHead {
        let log = try AuditLog(path: self.log, limit: limit, files: files)
        for number in 1...count { try log.append(record(number), synced: number == count) }
        return log.head
    }

    var lines: [String] {
        get throws { try String(contentsOfFile: log, encoding: .utf8).split(separator: "\n").map(String.init) }
    }

    func write(lines: [String]) throws {
        try lines.map { $0 + "\n" }.joined().write(toFile: log, atomically: false, encoding: .utf8)
    }

    func problems(_ anchors: [AuditHead] = []) throws -> [String] {
        try AuditChain(path: log, anchors: anchors).problems.map(\.words)
    }
}
