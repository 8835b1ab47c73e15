import Manifest
import ManifestFile
import ManifestRules
import Testing

/// The control partition in manifests: read, written, refused.
@Suite struct ControlPartitionRuleTests {
    private func file(_ first: String, _ second: String, _ channels: Int = 0) -> String {
        let list = (0..<channels).map { "  - {name: c\($0), ends: [a, b]}" }
        return """
            name: machine
            housekeeping: 0
            partitions:
              - {name: a, cores: [1], memory: 64M, image: vmlinux\(first)}
              - {name: b, cores: [2], memory: 64M, image: vmlinux\(second)}
            \(channels > 0 ? (["channels:"] + list).joined(separator: "\n") : "")

            """
    }
    private func problem(_ text: String) -> String {
        do throws(ManifestRefused) {
            _ = try parseManifest(text, file: "m.yaml", images: .unchecked)
            return ""
        } catch { return error.description }
    }

    @Test func itIsReadAndComesBack() throws {
        let manifest = try parseManifest(
            file(", control: true, console: true", ", console: virtio"), file: "m.yaml", images: .unchecked)
        #expect(manifest.partitions[0].virtio == .control && manifest.partitions[1].virtio == .console)
        #expect(manifest.partitions[0].hasBus)
        let copy = try decoded(encoded(manifest))
        let again = try parseManifest(manifestYAML(copy), file: "m.yaml", images: .unchecked)
        #expect(try encoded(again) == encoded(manifest))
        #expect(ManifestJSON(copy).partitions[0].control == true && ManifestJSON(copy).partitions[1].control == nil)
        #expect(ManifestPicture(copy).text.contains("has a management link"))
    }

    @Test func thereIsOneAtMost() {
        #expect(
            problem(file(", control: true", ", control: true")).contains(
                "m.yaml:5: partition \"b\" and partition \"a\" are both to be the control partition"))
        #expect(problem(file(", control: maybe", "")).contains("m.yaml:4"))
    }

    /// A guest's bus has eight places for what root mode shows it.
    @Test func itsBusHasRoomForEight() {
        #expect(problem(file(", control: true", "", 7)).isEmpty)
        #expect(
            problem(file(", control: true, console: virtio", "", 7)).contains(
                "partition \"a\" has 9 consoles and ends of channels, and a guest's bus has room for 8"))
    }
}
