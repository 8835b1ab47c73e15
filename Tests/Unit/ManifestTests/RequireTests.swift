import CBOR
import Manifest
import ManifestFile
import ManifestRules
import Testing
import Text

/// What a manifest requires of the machine's trust.
@Suite struct RequireTests {
    private func file(_ require: String) -> String {
        """
        name: machine
        housekeeping: 0
        \(require)
        partitions:
          - {name: work, cores: [1], memory: 64M, image: vmlinux}

        """
    }

    private func problem(_ require: String) -> String? { parseProblem(file(require)) }

    @Test func itIsReadAndComesBack() throws {
        let manifest = try parsed(file("require: [secure-boot, tpm]"))
        #expect(manifest.requires == .secureBoot | .tpm)
        let bytes = try encoded(manifest), copy = try decoded(bytes)
        #expect(copy.requires == manifest.requires)
        #expect(try encoded(parsed(manifestYAML(copy))) == bytes)
        #expect(ManifestJSON(copy).require == ["secure-boot", "tpm"])
        #expect(ManifestPicture(copy).text.contains("requires secure-boot and tpm"))
        #expect(try parsed(file("require: [tpm]")).requires == .tpm)
        #expect(try manifestSchema().contains("\"secure-boot\""))
    }

    /// What requires nothing has the bytes that it always had.
    @Test func nothingIsWrittenWhereNothingIsRequired() throws {
        let plain = try encoded(parsed(file("")))
        #expect(try encoded(parsed(file("require: []"))) == plain)
        #expect(ManifestJSON(try decoded(plain)).require == nil)
        // Map of 7 keys; the eighth is key 33, 3.
        let required = try encoded(parsed(file("require: [tpm, secure-boot]")))
        #expect(plain[0] == 0xA7 && required[0] == 0xA8)
        #expect(Array(required.dropFirst()) == Array(plain.dropFirst()) + [0x18, 33, 3])
    }

    @Test func whatIsWrongIsSaidWithItsLine() {
        #expect(problem("require: tpm")?.contains("m.yaml:3: \"require\" must be a list") == true)
        #expect(problem("require: [tmp]")?.contains("m.yaml:3: \"tmp\" is not something that can be required") == true)
        #expect(problem("require: [owner-key]")?.contains("is not something that can be required") == true)
        #expect(problem("require: [tpm, tpm]")?.contains("m.yaml:3: \"tpm\" is named twice") == true)
        #expect(problem("requires: [tpm]")?.contains("did you mean \"require\"?") == true)
    }

    @Test func whatIsNotKnownIsRefused() throws {
        let bytes = try encoded(parsed(file("require: [tpm]")))
        for value: UInt8 in [0, 4, 5, 23] {
            #expect(
                refusal(Array(bytes.dropLast()) + [value])
                    == ManifestError(.unknownValue, value: UInt64(value), bound: 33))
        }
        #expect(ManifestField(ManifestError(.unknownValue, value: 4, bound: 33)) == .requires)
    }

    private func refusal(_ bytes: [UInt8]) -> ManifestError? {
        var manifest = Manifest()
        do throws(ManifestError) { try manifest.decode(bytes.span) } catch { return error }
        return nil
    }

    @Test func aMachineWithoutItIsRefusedByName() throws {
        let manifest = try parsed(file("require: [secure-boot, tpm]"))
        var machine = machineFacts(for: manifest, groups: false)
        func reason() -> ManifestError? {
            do throws(ManifestError) { try manifest.check(against: machine) } catch { return error }
            return nil
        }
        machine.trust = .secureBoot | .tpm
        #expect(reason() == nil)
        machine.trust = .tpm | .ownerKey
        #expect(reason() == ManifestError(.noSecureBoot))
        machine.trust = .secureBoot | .ownerKey
        #expect(reason() == ManifestError(.noTPM))
        #expect(ManifestError.Reason.noSecureBoot.number == 130 && ManifestError.Reason.noTPM.number == 131)
        // What is not known is no obstacle.
        #expect(MachineFacts(cores: CoreSet()).trust == .requirable)
    }
}
