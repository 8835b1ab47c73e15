import Manifest
import ManifestFile
import Testing

/// Which console a partition has of which the file says nothing.
@Suite struct ConsoleDefaultTests {
    /// - Parameter channels: how many wires lead from the first to the second.
    private func parse(_ first: String, channels: Int = 0, kind: String = "wire") throws -> Manifest {
        let list = (0..<channels).map { "  - {name: c\($0), kind: \(kind), ends: [a, b]}" }
        return try parseManifest(
            """
            name: machine
            housekeeping: 0
            partitions:
              - {name: a, cores: [1], memory: 64M, image: vmlinux\(first)}
              - {name: b, cores: [2], memory: 64M, image: vmlinux, console: false}
              - {name: c, cores: [3], memory: 64M, image: vmlinux}
            \(channels > 0 ? (["channels:"] + list).joined(separator: "\n") : "")

            """, file: "m.yaml", images: .unchecked)
    }

    @Test func whereThereIsABusItIsVirtio() throws {
        for kind in ["wire", "port", "memory"] {
            #expect(try parse("", channels: 1, kind: kind).partitions[0].virtio == .console)
        }
        #expect(try parse(", devices: ['00:10.0']").partitions[0].virtio == .console)
        #expect(try parse(", control: true").partitions[0].virtio == .all)
        #expect(try parse(", devices: ['00:10.0']").partitions[0].console, "the UART stays")
    }

    @Test func whereThereIsNoneItIsTheUART() throws {
        let manifest = try parse("", channels: 1)
        let apart = manifest.partitions[2]
        #expect(apart.virtio.isEmpty && !apart.hasBus && apart.console)
        #expect(try parse(", devices: []").partitions[0].virtio.isEmpty)
    }

    @Test func whatTheFileSaysStays() throws {
        for word in ["true", "false"] {
            let spec = try parse(", console: \(word), devices: ['00:10.0']", channels: 1).partitions[0]
            #expect(spec.virtio.isEmpty && spec.console == (word == "true"))
        }
        #expect(try parse("", channels: 1).partitions[1].virtio.isEmpty)
        #expect(try parse(", console: virtio").partitions[0].virtio == .console)
    }

    /// Seven channels, a console and no management link are eight; nobody is refused for what he has not asked for.
    @Test func withoutRoomOnTheBusItIsTheUART() throws {
        #expect(try parse("", channels: 7).partitions[0].virtio == .console)
        #expect(try parse(", control: true", channels: 6).partitions[0].virtio == .all)
        let full = try parse(", control: true", channels: 7).partitions[0]
        #expect(full.virtio == .control && full.console)
        #expect(throws: ManifestRefused.self) { try parse(", control: true, console: virtio", channels: 7) }
    }

    @Test func itComesBackFromEveryForm() throws {
        for manifest in [
            try parse(", devices: ['00:10.0']"), try parse(", control: true", channels: 7), try parse("", channels: 2),
            try parse(", console: true", channels: 1),
        ] {
            let copy = try decoded(encoded(manifest)), word = copy.partitions[0].virtio.contains(.console)
            let again = try parseManifest(manifestYAML(copy), file: "m.yaml", images: .unchecked)
            #expect(try encoded(again) == encoded(manifest), "\(manifestYAML(copy))")
            #expect(ManifestJSON(copy).partitions[0].virtio == word && ManifestJSON(copy).partitions[0].console)
        }
    }
}
