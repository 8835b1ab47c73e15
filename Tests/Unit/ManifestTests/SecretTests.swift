import Foundation
import Manifest
import ManifestFile
import ManifestRules
import Testing
import Trust

/// What a manifest says of secrets, and of the version below which no machine goes back.
@Suite struct SecretTests {
    private static let digits = String(repeating: "0f", count: 40) + String(repeating: "a5", count: 8)

    private func file(_ machine: String = "", _ partition: String = "") -> String {
        """
        name: machine
        housekeeping: 0
        \(machine)
        partitions:
          - {name: work, cores: [1], memory: 64M, image: vmlinux\(partition)}

        """
    }

    @Test func theyAreReadAndComeBack() throws {
        let text = file("security-version: 12", ", secret: \(Self.digits), tpm: true")
        let manifest = try parsed(text)
        #expect(manifest.securityVersion == 12 && manifest.partitions[0].secret?.text == Self.digits)
        #expect(manifest.partitions[0].sealedPath.string == "work.sealed")
        let bytes = try encoded(manifest), copy = try decoded(bytes)
        #expect(copy.securityVersion == 12 && copy.partitions[0].secret == manifest.partitions[0].secret)
        #expect(try encoded(parsed(manifestYAML(copy))) == bytes)
        #expect(ManifestJSON(copy).securityVersion == 12 && ManifestJSON(copy).partitions[0].secret == Self.digits)
        #expect(ManifestPicture(copy).text.contains("opened by the TPM from work.sealed"))
        #expect(try manifestSchema().contains("\"security-version\""))
        // A manifest that is read into one that had a version has none.
        let plain = try encoded(parsed(file()))
        var next = copy
        try next.decode(plain.span)
        #expect(next.securityVersion == 0 && next.partitions[0].secret == nil)
    }

    /// Without them the bytes are those that they always were; the version is key 35, the secret key 37 of its partition.
    @Test func nothingIsWrittenWhereThereIsNone() throws {
        let plain = try encoded(parsed(file())), counted = try encoded(parsed(file("security-version: 3")))
        #expect(plain[0] == 0xA7 && counted[0] == 0xA8)
        #expect(Array(counted.dropFirst()) == Array(plain.dropFirst()) + [0x18, 35, 3])
        let secret = try encoded(parsed(file("", ", secret: \(Self.digits)")))
        #expect(
            secret.count == plain.count + 2 + 2 + Digest384.bytes
                && Array(secret.suffix(8)) == [UInt8](repeating: 0xA5, count: 8))
        #expect(Array(secret.suffix(Digest384.bytes + 4).prefix(4)) == [0x18, 37, 0x58, 48])
    }

    @Test(arguments: ["0", "-1", "4294967296", "one", "1.5"]) func aVersionIsANumber(_ text: String) throws {
        #expect(
            parseProblem(file("security-version: \(text)"))?.contains("m.yaml:3: \"\(text)\" is not a security version")
                == true)
    }

    @Test(arguments: ["root.key", String(digits.dropLast()), digits + "0", "g" + digits.dropFirst()])
    func aSecretIsNamedByItsDigest(_ text: String) {
        #expect(parseProblem(file("", ", secret: \(text)"))?.contains("is not a SHA-384 digest") == true)
    }

    private static func reason(_ version: String, oldest: UInt64?) throws -> ManifestError? {
        let manifest = try parsed(SecretTests().file(version))
        var machine = machineFacts(for: manifest, groups: false)
        if let oldest { machine.oldestVersion = oldest }
        do throws(ManifestError) { try manifest.check(against: machine) } catch { return error }
        return nil
    }

    /// What a machine's counter admits is started, and nothing else; what is not known is no obstacle.
    @Test func aMachineThatHasStartedANewerOneRefuses() throws {
        let seven = "security-version: 7"
        let cases: [(String, UInt64?, ManifestError?)] = [
            (seven, 7, nil), (seven, 0, nil), ("", 0, nil), (seven, nil, nil),
            (seven, 8, ManifestError(.oldVersion, value: 7, bound: 8)),
            ("", 1, ManifestError(.oldVersion, value: 0, bound: 1)),
            (seven, .max, ManifestError(.oldVersion, value: 7, bound: .max)),
        ]
        for (version, oldest, expected) in cases {
            let found = try Self.reason(version, oldest: oldest)
            #expect(found == expected)
        }
        #expect(ManifestError.Reason.oldVersion.number == 132)
        #expect(ManifestField(ManifestError(.oldVersion)) == .securityVersion)
    }

    /// Until it is sealed that is said, with the file that is missing.
    @Test func whatIsNotSealedYetIsSaid() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "secrets-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let manifest = try parsed(file("", ", secret: \(Self.digits)"))
        let notes = secretNotes(manifest, images: .folder(folder.path))
        #expect(notes.count == 1 && notes[0].hasPrefix("partition \"work\": there is no work.sealed among the images"))
        try Data([1]).write(to: folder.appending(path: "work.sealed"))
        #expect(secretNotes(manifest, images: .folder(folder.path)).isEmpty)
        #expect(try secretNotes(parsed(file()), images: .folder(folder.path)).isEmpty)
    }
}
