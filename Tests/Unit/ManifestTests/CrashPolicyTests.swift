import Foundation
import Manifest
import ManifestRules
import Testing

@testable import ManifestFile

/// What a manifest says of guests that hang, come to an end again and again, or are ready.
@Suite struct CrashPolicyTests {
    private func file(_ keys: String, housekeeping: Int = 0) -> String {
        """
        name: m
        housekeeping: \(housekeeping)
        partitions:
          - name: a
            cores: [1]
            memory: 64M
            image: vmlinux
        \(keys.split(separator: "\n").map { "    \($0)\n" }.joined())
        """
    }

    private func read(_ keys: String) throws -> PartitionSpec {
        try parseManifest(file(keys), file: "m.yaml", images: .unchecked).partitions[0]
    }

    private func problems(_ keys: String, housekeeping: Int = 0) -> [String] {
        do {
            _ = try parseManifest(file(keys, housekeeping: housekeeping), file: "m.yaml", images: .unchecked)
            return []
        } catch { return error.problems.map(\.description) }
    }

    @Test func theyAreReadAndComeBack() throws {
        let spec = try read("watchdog: 5m\nrestart-limit: 12")
        #expect(spec.watchdog == 300 && spec.restartLimit == 12)
        let none = try read("")
        #expect(none.watchdog == 0 && none.restartLimit == 0)
        for keys in ["watchdog: 1s", "restart-limit: 255", "watchdog: 1h\nrestart-limit: 1", ""] {
            let manifest = try parseManifest(file(keys), file: "m.yaml", images: .unchecked)
            let bytes = try encoded(manifest), copy = try decoded(bytes)
            #expect(copy.partitions[0].watchdog == manifest.partitions[0].watchdog)
            #expect(copy.partitions[0].restartLimit == manifest.partitions[0].restartLimit)
            #expect(try encoded(parseManifest(manifestYAML(copy), file: "c.yaml", images: .unchecked)) == bytes)
        }
    }

    @Test func whatCannotBeIsRefusedWithAHint() {
        for value in ["0s", "61m", "2h", "5", "fast", "-1s", "99999999999999999999s", "9999999999999999999h"] {
            let found = problems("watchdog: \(value)")
            #expect(found.count == 1 && found[0].hasSuffix("write 1s to 1h, such as 60s or 5m"), "\(found)")
        }
        for value in ["0", "256", "many"] {
            let found = problems("restart-limit: \(value)")
            #expect(
                found == [
                    "m.yaml:8: \"\(value)\" is not a number of restarts; write 1 to 255, or leave it out: no limit"
                ])
        }
        #expect(
            problems("watchdog: 60s", housekeeping: 1) == [
                "m.yaml:8: partition \"a\" has a watchdog, but partition \"a\" has the housekeeping core, which then has no "
                    + "clock to see it by"
            ])
    }

    /// A zero has no encoding of its own, nor has more than the bounds.
    @Test func theDecoderTakesOneEncodingAlone() throws {
        let manifest = try parseManifest(file("watchdog: 1h\nrestart-limit: 3"), file: "m.yaml", images: .unchecked)
        let bytes = try encoded(manifest)
        // key 15, 3600; key 16, 3
        #expect(bytes.suffix(6) == [0x0F, 0x19, 0x0E, 0x10, 0x10, 0x03])
        for change in [(2, UInt8(0x0F)), (3, 0x11), (4, 0x11), (5, 0x00)] {
            var other = bytes
            other[bytes.count - 6 + change.0] = change.1
            #expect(throws: ManifestError.self, "\(change)") { _ = try decoded(other) }
        }
    }

    @Test func readinessIsTheToolsAlone() throws {
        func readiness(_ keys: String) throws -> Readiness? {
            let folder = FileManager.default.temporaryDirectory.appending(path: "ready-\(UUID().uuidString).yaml")
            try Data(file(keys).utf8).write(to: folder)
            defer { try? FileManager.default.removeItem(at: folder) }
            return try readReadiness(folder.path)[0]
        }
        #expect(try readiness("") == nil)
        #expect(try readiness("ready: 'login:'") == .pattern("login:"))
        #expect(try readiness("ready: 90s") == .time(90) && readiness("ready: 2m") == .time(120))
        #expect(try readiness("watchdog: 60s\nready: watchdog") == .watchdog)
        let with = try parseManifest(file("ready: 20s"), file: "m", images: .unchecked)
        let without = try parseManifest(file(""), file: "m", images: .unchecked)
        #expect(try encoded(with) == encoded(without))
        #expect(
            problems("ready: watchdog") == [
                "m.yaml:8: there is no watchdog to be ready by; add a line \"watchdog: 60s\""
            ])
        #expect(
            problems("console: false\nready: 'login:'") == [
                "m.yaml:9: there is no console on which \"login:\" could show; write a time: 20s"
            ])
    }

    @Test func whatNobodyWouldReportIsNoted() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "notes-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try Data("plain".utf8).write(to: folder.appending(path: "vmlinux"))
        try Data("... QEMU0001 ...".utf8).write(to: folder.appending(path: "disk"))
        func notes(_ keys: String) throws -> [String] {
            let manifest = try parseManifest(file(keys), file: "m.yaml", images: .unchecked)
            return crashNotes(manifest, images: .folder(folder.path))
        }
        #expect(try notes("on-crash: restart").count == 1)
        #expect(try notes("on-crash: restart")[0].hasPrefix("partition \"a\": on-crash is restart, but"))
        for keys in [
            "on-crash: stop", "on-crash: restart\nwatchdog: 60s", "on-crash: restart\ncommand-line: quiet panic=10",
        ] { #expect(try notes(keys).isEmpty, "\(keys)") }
        #expect(try notes("on-crash: restart\ncommand-line: panic=0").count == 1)
        let disk = file("on-crash: restart").replacing("image: vmlinux", with: "image: {kernel: vmlinux, initrd: disk}")
        let manifest = try parseManifest(disk, file: "m.yaml", images: .unchecked)
        #expect(crashNotes(manifest, images: .folder(folder.path)).isEmpty)
    }
}
