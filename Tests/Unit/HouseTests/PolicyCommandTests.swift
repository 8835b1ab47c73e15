import Foundation
import Testing
import UnitSupport

/// `bulkhead policy`, as people and scripts run it.
@Suite struct PolicyCommandTests {
    @Test func aPolicyIsCheckedAndExplained() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "policy-command-\(UUID())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        func policy(_ arguments: String...) throws -> ToolRun { try ToolRun(["policy"] + arguments, in: folder) }
        func write(_ text: String) throws {
            try text.write(to: folder.appending(path: "policy.yaml"), atomically: true, encoding: .utf8)
        }
        #expect(try policy("check").status == 2)
        try write(
            """
            roles:
              operator:
                - allow: [read, start]
                  partitions: [workload]
                  when: {secure-boot: true, days: [sun]}
            users: {4711: [operator]}
            """)
        let good = try policy("check")
        #expect(good.status == 0 && good.output == "policy.yaml: good; users: 4711\n")
        let words = ["explain", "--as", "4711", "start", "workload", "--at", "2026-11-29T12:00:00Z", "--with"]
        let yes = try ToolRun(["policy"] + words + ["secure-boot"], in: folder)
        #expect(yes.status == 0 && yes.output == "yes: role operator, line 3\n")
        let no = try ToolRun(["policy"] + words + ["nothing"], in: folder)
        #expect(no.status == 1)
        let why = "the policy does not let 4711 read on workload: role operator, line 3: only with secure-boot"
        #expect(no.output == "no: \(why)\n")
        #expect(try policy("explain", "--as", "1", "start", "workload", "--with", "tpm").status == 1)
        #expect(try policy("explain", "--as", "1", "begin", "workload").status == 64)
        #expect(try policy("explain", "--as", "1", "start", "workload", "--with", "luck").status == 64)
        #expect(try policy("explain", "--as", "1", "start", "workload", "--at", "noon", "--with", "tpm").status == 64)
        // Of a machine that is asked.
        let machine = folder.appending(path: "link.sock").path
        #expect(try policy("explain", "--as", "1", "start", "workload", "--machine-socket", machine).status == 3)
        try write("roles: {v: [{allow: [start], partitions: all}]}\nusers: {nobody-here: [v], 4711: [v]}")
        let absent = try policy("check")
        #expect(
            absent.status == 1 && absent.errors.contains("not on this machine, and with no rights: \"nobody-here\""))
        // What one may not read one does not see.
        let unseen = try ToolRun(["policy"] + words + ["secure-boot"], in: folder)
        #expect(
            unseen.status == 1
                && unseen.output == "no: the policy does not let 4711 read on workload: no rule of v does\n")
        try write("roles: {}\nusers: {4711: [operator]}")
        let bad = try policy("check")
        #expect(bad.status == 2 && bad.errors.hasPrefix("bulkhead: policy.yaml:2: there is no role \"operator\""))
    }
}
