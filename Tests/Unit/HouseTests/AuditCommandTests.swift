import Audit
import Foundation
import Testing
import UnitSupport

/// `bulkhead audit`, as people and scripts run it.
@Suite struct AuditCommandTests {
    private let folder: URL

    init() throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "audit-command-\(UUID())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    private func audit(_ arguments: String...) throws -> ToolRun { try ToolRun(["audit"] + arguments, in: folder) }

    @Test func aLogIsVerifiedAndShown() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let path = folder.appending(path: "bulkheadd.audit").path
        let log = try AuditLog(path: path)
        for (domain, uid) in [("work", UInt32(0)), ("loop", 1000), ("work", 1000)] {
            var record = AuditRecord(.answer)
            (record.client, record.uid, record.call, record.domain) = (1, uid, "domain_create", domain)
            record.result = "ok"
            try log.append(record, synced: true)
        }
        let whole = try audit("verify", "bulkheadd.audit")
        #expect(whole.status == 0 && whole.errors.isEmpty)
        #expect(whole.output == "bulkheadd.audit: whole, records 1 to 3\nhead \(log.head)\n")
        #expect(try audit("verify", "bulkheadd.audit", "--head", "\(log.head)").status == 0)
        #expect(try audit("verify", "bulkheadd.audit", "--head", "3").status == 64)
        #expect(try audit("verify", "none").status == 2)
        #expect(try audit("verify").status == 64)
        let shown = try audit("show", "bulkheadd.audit")
        #expect(shown.status == 0 && shown.output.split(separator: "\n").count == 3)
        #expect(try audit("show", "bulkheadd.audit", "--domain", "work", "--uid", "1000").output.hasPrefix("3 "))
        #expect(try audit("show", "bulkheadd.audit", "--last", "1").output.hasPrefix("3 "))
        #expect(try audit("show", "bulkheadd.audit", "--last", "0").status == 64)

        let text = try String(contentsOfFile: path, encoding: .utf8).replacing("\"uid\":0", with: "\"uid\":1")
        try text.write(toFile: path, atomically: false, encoding: .utf8)
        let changed = try audit("verify", "bulkheadd.audit")
        #expect(changed.status == 1 && changed.output.isEmpty)
        #expect(
            changed.errors
                == "bulkhead: bulkheadd.audit, line 2: record 2 does not follow from record 1: one of them was changed\n"
        )
        let json = try audit("verify", "bulkheadd.audit", "--json")
        #expect(json.status == 1 && json.output.contains("\"line\" : 2"))
        let all = try audit("show", "bulkheadd.audit")
        #expect(all.status == 1 && all.output.split(separator: "\n").count == 3 && !all.errors.isEmpty)
    }
}
