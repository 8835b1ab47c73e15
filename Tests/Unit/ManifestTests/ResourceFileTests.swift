import CBOR
import Manifest
import ManifestFile
import ManifestRules
import Resources
import Testing

/// Caches, bandwidth and memory keys in manifests.
@Suite struct ResourceFileTests {
    private func file(_ keys: String, housekeeping: String = "0") -> String {
        """
        name: machine
        housekeeping: \(housekeeping)
        partitions:
          - name: work
            cores: [1]
            memory: 64M
            image: vmlinux
        \(keys.split(separator: "\n").map { "    " + $0 }.joined(separator: "\n"))

        """
    }

    @Test func keysAreReadAndComeBack() throws {
        let text = file(
            "cache: {l3: 4 ways, l2: 25%}\nbandwidth: 40%\nmemory-key: required\naccept: [shared-cache]",
            housekeeping: "{core: 0, cache: {l3: exclusive}, bandwidth: 1.5 GB/s}")
        let manifest = try parsed(text)
        let spec = manifest.partitions[0]
        #expect(spec.resources.l3.rawValue == 4 && spec.resources.l2.rawValue == 0x119)
        #expect(spec.resources.bandwidth.rawValue == 40 && spec.resources.memoryKey == .required)
        #expect(spec.accepts == .sharedCache)
        #expect(manifest.housekeeping == 0 && manifest.housekeepingResources.l3 == .exclusive)
        #expect(manifest.housekeepingResources.bandwidth.amount == 12)
        let bytes = try encoded(manifest), copy = try decoded(bytes)
        #expect(copy.partitions[0].resources == spec.resources)
        #expect(copy.housekeepingResources == manifest.housekeepingResources)
        let again = try parsed(manifestYAML(copy))
        #expect(try encoded(again) == bytes)
        let json = ManifestJSON(copy)
        #expect(json.partitions[0].cache == ["l3": "4 ways", "l2": "25%"] && json.partitions[0].bandwidth == "40%")
        #expect(json.partitions[0].memoryKey == "required")
        let picture = ManifestPicture(copy).text
        #expect(picture.contains("cache         l3: 4 ways, l2: 25%") && picture.contains("memory key    required"))
        // Housekeeping's have a heading of their own, also where channels follow.
        let own = "\n\nHousekeeping\n    cache         l3: exclusive\n    bandwidth     1.5 GB/s\n"
        #expect(picture.hasSuffix(own))
        let channel = "channels: [{name: wire, ends: [work, other]}]"
        let second = "  - {name: other, cores: [2], memory: 64M, image: vmlinux}\n"
        let linked = ManifestPicture(try parsed(text.replacing("\n\n", with: "\n") + second + channel)).text
        #expect(linked.contains(own + "\nChannels\n"), "\(linked)")
    }

    /// What asks for nothing has the bytes that it always had.
    @Test func nothingIsWrittenWhereNothingIsAskedFor() throws {
        let plain = try encoded(parsed(file("console: true"))), none = try encoded(parsed(file("memory-key: none")))
        #expect(plain == none)
    }

    @Test(arguments: [
        ("cache: 4 ways", "cache must be lines of"),
        ("cache: {l3: 4}", "\"4\" is not a part of a cache; write 4 ways, 25% or exclusive"),
        ("cache: {l3: 33 ways}", "is not a part of a cache"), ("cache: {l3: 0 ways}", "is not a part of a cache"),
        ("cache: {l3: 101%}", "is not a part of a cache"), ("cache: {l4: 4 ways}", "unknown key \"l4\" in cache"),
        ("bandwidth: 40", "\"40\" is not a limit of memory bandwidth"), ("bandwidth: 0%", "is not a limit"),
        ("bandwidth: 1.3 GB/s", "is not a limit"), ("bandwidth: 4096 GB/s", "is not a limit"),
        ("memory-key: yes", "\"yes\" is not a demand for a memory key; write none or preferred or required"),
    ]) func wrongValuesAreNamed(_ keys: String, _ words: String) {
        let said = parseProblem(file(keys)) ?? ""
        #expect(said.contains(words), "\(said)")
    }

    @Test func housekeepingNeedsItsCore() {
        let said = parseProblem(file("console: true", housekeeping: "{bandwidth: 40%}")) ?? ""
        #expect(said.contains("housekeeping has no \"core\""), "\(said)")
        let key = parseProblem(file("console: true", housekeeping: "{core: 0, memory-key: required}")) ?? ""
        #expect(key.contains("unknown key \"memory-key\" in housekeeping"), "\(key)")
    }

    /// Where a partition has the housekeeping core, that partition's part counts there.
    @Test(arguments: ["cache: {l3: 1 way}", "cache: {l2: 25%}", "bandwidth: 20%"])
    func housekeepingsPartOnAPartitionsCore(_ key: String) {
        let said = parseProblem(file("console: true", housekeeping: "{core: 1, \(key)}"))
        #expect(
            said == "m.yaml:2: housekeeping asks for a part of caches or bandwidth, "
                + "but partition \"work\" has its core, whose part counts")
        #expect(
            parseProblem(file(key, housekeeping: "1")) == nil
                && parseProblem(file(key, housekeeping: "{core: 1}")) == nil)
        #expect(parseProblem(file("console: true", housekeeping: "{core: 0, \(key)}")) == nil)
    }

    /// Root mode's decoder: each number has a meaning, and something is asked for.
    @Test func tamperedNumbersAreRefused() throws {
        var manifest = try parsed(file("cache: {l3: 4 ways}"))
        let bytes = try encoded(manifest)
        // The last item: key 28, an array of four, 4, 0, 0, 0.
        #expect(bytes.suffix(7) == [0x18, 28, 0x84, 4, 0, 0, 0])
        for (at, value) in [(4, UInt8(0)), (3, 1), (2, 1), (1, 3), (1, 4)] {
            var changed = bytes
            changed[changed.count - at] = value
            let isLegal = (at, value) != (4, 0) && (at, value) != (1, 3) && (at, value) != (1, 4)
            do throws(ManifestError) {
                var copy = Manifest()
                try copy.decode(changed.span)
                #expect(isLegal)
            } catch { #expect(!isLegal && error.reason == .unknownValue) }
        }
        manifest.partitions[0].resources.l3 = .exclusive
        #expect(try decoded(encoded(manifest)).partitions[0].resources.l3 == .exclusive)
    }
}
