import Manifest
import ManifestFile
import ManifestRules
import Testing

/// The partition that has the TPM: read, written, refused.
@Suite struct TPMOwnerTests {
    private func file(_ first: String, _ second: String = "") -> String {
        """
        name: machine
        housekeeping: 0
        partitions:
          - {name: a, cores: [1], memory: 64M, image: vmlinux\(first)}
          - {name: b, cores: [2], memory: 64M, image: vmlinux\(second)}

        """
    }

    private func refusal(_ bytes: [UInt8]) -> ManifestError? {
        var manifest = Manifest()
        do throws(ManifestError) { try manifest.decode(bytes.span) } catch { return error }
        return nil
    }

    @Test func itIsReadAndComesBack() throws {
        let manifest = try parsed(file("", ", tpm: true"))
        #expect(!manifest.partitions[0].tpm && manifest.partitions[1].tpm)
        let bytes = try encoded(manifest), copy = try decoded(bytes)
        #expect(!copy.partitions[0].tpm && copy.partitions[1].tpm)
        #expect(try encoded(parsed(manifestYAML(copy))) == bytes)
        #expect(ManifestJSON(copy).partitions[0].tpm == nil && ManifestJSON(copy).partitions[1].tpm == true)
        #expect(ManifestPicture(copy).text.contains("has the machine's"))
    }

    /// Key 36 of its map, and 1: nothing else says it, and its absence says no.
    @Test func itHasOneEncoding() throws {
        let plain = try encoded(parsed(file(""))), bytes = try encoded(parsed(file("", ", tpm: true")))
        #expect(try encoded(parsed(file("", ", tpm: false"))) == plain)
        #expect(Array(bytes.suffix(3)) == [0x18, 36, 1] && bytes.count == plain.count + 3)
        #expect(
            refusal(Array(bytes.dropLast()) + [0]) == ManifestError(.unknownValue, partition: 1, value: 0, bound: 36))
        for value: [UInt8] in [[2], [0xF5], [0x18, 1]] { #expect(refusal(Array(bytes.dropLast()) + value) != nil) }
        #expect(ManifestField(ManifestError(.unknownValue, partition: 1, value: 0, bound: 36)) == .tpm)
    }

    /// The decoder refuses it too, whoever wrote the manifest.
    @Test func thereIsOneAtMost() throws {
        let words =
            "m.yaml:5: the TPM is claimed by partition \"a\" and by partition \"b\"; it belongs to one partition"
        #expect((parseProblem(file(", tpm: true", ", tpm: true")) ?? "").contains(words))
        #expect((parseProblem(file(", tpm: maybe")) ?? "").contains("m.yaml:4"))
        var manifest = try parsed(file(", tpm: true"))
        manifest.partitions[1].tpm = true
        #expect(try refusal(encoded(manifest)) == ManifestError(.tpmClaimedTwice, partition: 1, other: 0))
    }

    @Test func aTPMThatIsNotAllRegistersIsRefused() throws {
        let manifest = try parsed(file("", ", tpm: true")), nobodys = try parsed(file(""))
        var machine = machineFacts(for: manifest, groups: false)
        func reason() -> ManifestError? {
            do throws(ManifestError) { try manifest.check(against: machine) } catch { return error }
            return nil
        }
        // What is not known is no obstacle.
        #expect(reason() == nil)
        for (method, area, isUsable) in [
            (7, 0xFED4_0040, true), (6, 0, true), (6, 0xFED4_0000, true), (7, 0xFED4_0000, false),
            (7, 0x7F00_0000, false), (2, 0xFED4_0040, false), (8, 0xFED4_0040, false), (11, 0, false), (0, 0, false),
        ] as [(UInt32, UInt64, Bool)] {
            machine.tpm = (method, area)
            let refused = ManifestError(.tpmUnusable, partition: 1, value: UInt64(method), bound: area)
            #expect(reason() == (isUsable ? nil : refused), "method \(method), \(area)")
            #expect(throws: Never.self) { try nobodys.check(against: machine) }
        }
        // One that the firmware has not, or that has refused to measure.
        machine.tpm = (7, 0xFED4_0040)
        machine.trust = .secureBoot
        #expect(reason() == ManifestError(.tpmUnusable, partition: 1, value: 0, bound: 0xFED4_0040))
        #expect(
            reason()?.sentence(manifest)
                == "partition \"b\" has the TPM, but this machine has none that a partition can have: "
                + "start method 0, control area at 0xfed40040")
    }
}
