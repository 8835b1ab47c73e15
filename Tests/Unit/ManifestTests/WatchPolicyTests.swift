import Manifest
import ManifestFile
import Testing

@Suite struct WatchPolicyTests {
    private func problems(image: String, _ watch: String) -> [String] {
        let text = """
            name: m
            housekeeping: 0
            partitions:
              - {name: a, cores: [1], memory: 64M, image: \(image), watch: \(watch)}
            """
        do {
            _ = try parseManifest(text, file: "m.yaml", images: .unchecked)
            return []
        } catch { return error.problems.map(\.description) }
    }

    /// The list of sites lies beside the image, under its name and six characters more.
    @Test func aWatchedImageLeavesRoomForItsList() throws {
        let long = String(repeating: "k", count: 58), fits = String(repeating: "k", count: 57)
        #expect(problems(image: fits, "{kernel: report}").isEmpty)
        let found = problems(image: long, "{kernel: report}")
        #expect(found.count == 1 && found[0].contains("57 characters"), "\(found)")
        #expect(problems(image: long, "{kernel: off}").isEmpty)
    }
}
