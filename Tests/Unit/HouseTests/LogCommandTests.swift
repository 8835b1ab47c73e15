import Foundation
import Testing
import UnitSupport

/// The exit codes that `bulkhead log --help` promises to scripts, of the tool itself.
@Suite final class LogCommandTests {
    let folder = FileManager.default.temporaryDirectory.appending(path: "bulkhead-log-\(UUID().uuidString)")

    init() throws {
        for (path, text) in [
            ("said/BULKHEAD/a/boot.log", "bulkhead: version 0.1.0\nbulkhead: refused: R70 housekeeping\n"),
            ("silent/EFI/x", ""), ("wrong/BULKHEAD/boot.log/x", ""), ("partly/BULKHEAD/boot.log/x", ""),
            ("partly/BULKHEAD/b/boot.log", "bulkhead: version 0.1.0\nbulkhead: refused: R70 housekeeping\n"),
        ] {
            let file = folder.appending(path: path), files = FileManager.default
            try files.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(text.utf8).write(to: file)
        }
    }

    deinit { try? FileManager.default.removeItem(at: folder) }

    private func log(_ arguments: [String]) throws -> ToolRun { try ToolRun(["log"] + arguments, in: folder) }

    @Test func whatWasSaid() throws {
        for option in ["--esp", "--volume"] {
            let result = try log([option, "said"])
            #expect(result.status == 0 && result.errors.isEmpty, "\(result.errors)")
            #expect(result.output.hasPrefix("BULKHEAD/a/boot.log, slot a: 1 refused start\n"))
            #expect(result.output.contains("what to change: A core has one class of service."))
        }
        let result = try log(["--esp", "said", "--json"])
        let list = try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [[String: Any]]
        #expect(result.status == 0 && list?.count == 1 && list?[0]["slot"] as? String == "a")
    }

    /// A file that somebody has spoilt hides no other, and is not passed over.
    @Test func whatCannotBeRead() throws {
        for arguments in [["--volume", "partly"], ["--volume", "partly", "--json"]] {
            let result = try log(arguments)
            #expect(result.status == 2 && result.output.contains("BULKHEAD/b/boot.log"))
            #expect(result.errors.contains("/partly/BULKHEAD/boot.log is no file"), "\(result.errors)")
        }
    }

    @Test(
        arguments: [
            (["--esp", "silent"], 1), (["--esp", "silent", "--json"], 1), (["--volume", "none"], 2),
            (["--volume", "wrong"], 2), (["--disk", "said/BULKHEAD/a/boot.log"], 2),
            (["--machine-socket", "none.sock"], 3), (["--esp", "said", "--disk", "x"], 64),
            (["--esp", "said", "--follow"], 64), (["--esp", "said", "--last", "0"], 64), (["--last", "1"], 64),
            (["--for", "-1"], 64), (["--volume", ""], 64),
        ] as [([String], Int32)])
    func exitCodes(_ arguments: [String], _ status: Int32) throws {
        let result = try log(arguments)
        #expect(result.status == status, "\(arguments): \(result.output)\(result.errors)")
        #expect(result.errors.hasPrefix("bulkhead: "), "\(result.errors)")
    }
}
