import Foundation
import Testing
import UnitSupport

/// `bulkhead pki`, as people and scripts run it.
@Suite struct PKICommandTests {
    @Test func certificatesAreMadeListedAndRevoked() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "pki-command-\(UUID())")
        try FileManager.default.createDirectory(
            at: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        defer { try? FileManager.default.removeItem(at: folder) }
        try "correct horse\n".write(to: folder.appending(path: "pw"), atomically: true, encoding: .utf8)
        try "wrong horse\n".write(to: folder.appending(path: "wrong"), atomically: true, encoding: .utf8)
        func pki(_ arguments: String...) throws -> ToolRun { try ToolRun(["pki"] + arguments, in: folder) }
        let pass = "--passphrase-file"
        #expect(try pki("list", "ca").status == 1)
        #expect(try pki("init", "ca", pass, "pw").status == 0)
        #expect(try pki("init", "ca", pass, "pw").errors.contains("is there already, and was not touched"))
        #expect(try pki("issue", "ca", "box", "--server", "192.0.2.7,box.example", pass, "pw").status == 0)
        let made = try pki("issue", "ca", "alice", "--days", "2", pass, "pw")
        #expect(made.status == 0 && made.output.hasPrefix("ca/clients/alice: good until "))
        let again = try pki("issue", "ca", "alice", pass, "pw")
        #expect(again.status == 1 && again.errors.contains("revoke it first"))
        #expect(try pki("issue", "ca", "bob", pass, "wrong").errors.contains("the passphrase does not open"))
        #expect(try pki("issue", "ca", "bob", "--request", "nothing", pass, "pw").status == 1)
        #expect(try pki("issue", "ca", "bob", "--days", "0", pass, "pw").status == 64)
        #expect(try pki("issue", "ca", "b", "--server", "x", "--request", "y", pass, "pw").status == 64)
        #expect(try pki("revoke", "ca", "bob").errors.contains("bob has no certificate"))
        #expect(try pki("revoke", "ca", "alice").output.hasPrefix("revoked: alice, "))
        #expect(try pki("revoke", "ca", "alice").output.contains("was revoked before"))
        let list = try pki("list", "ca").output.split(separator: "\n")
        let words = list.map { $0.split(separator: " ").prefix(3).joined(separator: " ") }
        #expect(words == ["box server until", "alice revoked until"])
        struct Row: Decodable { var name, state, until, fingerprint: String }
        let rows = try JSONDecoder().decode([Row].self, from: Data(try pki("list", "ca", "--json").output.utf8))
        #expect(rows.map(\.name) == ["box", "alice"] && rows[1].fingerprint.count == 64)
    }
}
