import Foundation
import Testing
import UnitSupport

/// An installed tool keeps what it makes elsewhere than beside itself.
@Suite struct CacheFolderTests {
    @Test func theEnvironmentSaysWhere() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "cache-\(UUID())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let environment = ["BULKHEAD_CACHE": folder.path, "BULKHEAD_HOME": "/nowhere"]
        let ps = try ToolRun(["ps"], in: folder, environment: environment)
        #expect(ps.status != 0 && ps.errors.contains("\(folder.path)/run"), "\(ps.errors)")
        // Images are looked for there.
        let manifest = """
            name: m
            machine: {cores: 2, memory: 1G}
            partitions:
              - {name: p, cores: [1], memory: 512M, image: {kernel: absent}}
            """
        try manifest.write(to: folder.appending(path: "m.yaml"), atomically: true, encoding: .utf8)
        let check = try ToolRun(["manifest", "check", "m.yaml"], in: folder, environment: environment)
        #expect(check.errors.contains("\(folder.path)/images"), "\(check.errors)")
    }
}
