import Foundation
import TPM
import Testing
import UnitSupport

@testable import Seal

/// `bulkhead seal` and `bulkhead counter`, as people and scripts run them.
@Suite struct SealCommandTests {
    private let folder: URL
    private let machine: SealingMachine
    private let secret = "f1x3d-secret-of-a-test"

    init() throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "seal-command-\(UUID())")
        try FileManager.default.createDirectory(
            at: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        machine = try SealingMachine()
        try Data(machine.ownerKey).write(to: folder.appending(path: "owner.pub"))
        try Data(secret.utf8).write(to: folder.appending(path: "disk.key"))
        // A swtpm takes one connection.
        machine.disconnect()
    }

    private func tool(_ arguments: String...) throws -> ToolRun {
        let run = try ToolRun(arguments + ["--tpm", machine.path], in: folder)
        #expect(!run.output.contains(secret) && !run.errors.contains(secret))
        return run
    }

    private static let decoder = {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return decoder
    }()

    private struct Answer: Decodable {
        var bytes: Int
        var sha384, bank, policy: String
        var pcrs: [String: String]
        var counter: UInt64?
        var madeStorageKey: Bool
        var notes: [String]
    }

    @Test func aSecretIsSealed() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let base = ["seal", "--secret", "disk.key", "--public-key", "owner.pub", "--output"]
        func seal(_ more: String...) throws -> ToolRun {
            let run = try ToolRun(base + more + ["--tpm", machine.path], in: folder)
            #expect(!run.output.contains(secret) && !run.errors.contains(secret))
            return run
        }
        let first = try seal("work.sealed")
        #expect(first.status == 0 && first.output.contains("PCR 11") && first.output.contains("made the TPM's"))
        #expect(first.errors.split(separator: "\n").count == 3 && first.errors.contains("--pcrs 2,4,7,11"))
        #expect(
            first.errors.contains("the secret is text") && first.errors.contains("without a counter an old manifest"))
        let again = try seal("work.sealed")
        #expect(again.status == 1 && again.errors.contains("--force replaces it"))
        let json = try seal("work.sealed", "--force", "--json", "--bank", "sha256", "--pcrs", "2,4,7,11")
        let answer = try Self.decoder.decode(Answer.self, from: Data(json.output.utf8))
        let content = Array(try Data(contentsOf: folder.appending(path: "work.sealed")))
        #expect(answer.bytes == content.count && answer.bank == "sha256" && !answer.madeStorageKey)
        #expect(answer.pcrs.keys.sorted() == ["11", "2", "4", "7"] && answer.notes.count == 3 && answer.counter == nil)
        #expect(answer.pcrs["4"]?.count == 64 && answer.sha384.count == 96)
        try machine.connect()
        #expect(try machine.run(content).secret == Array(secret.utf8))
        try machine.extend(11, .sha256, by: PCRBank.sha256.digest(Array("closed".utf8)))
        #expect(try machine.run(content).secret == nil)
    }

    @Test func theCounterIsSaid() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let made = try tool("counter", "--create")
        let base = try #require(UInt64(made.output.prefix { $0.isNumber }))
        let seal = ["seal", "--secret", "disk.key", "--public-key", "owner.pub", "--tpm", machine.path, "--output"]
        let run = try ToolRun(seal + ["a"], in: folder)
        #expect(run.status == 0 && run.output.contains("counter ≥ \(base)\n") && !run.errors.contains("counter"))
        let json = try ToolRun(seal + ["b", "--json"], in: folder)
        #expect(try Self.decoder.decode(Answer.self, from: Data(json.output.utf8)).counter == base)
        try Data(secret.utf8.prefix(15)).write(to: folder.appending(path: "disk.key"))
        let short = try ToolRun(seal + ["c"], in: folder)
        #expect(short.status == 1 && short.errors.contains("must have 16 to 64 bytes"))
        #expect(!FileManager.default.fileExists(atPath: folder.appending(path: "c").path))
    }

    @Test func whatIsWrongIsSaid() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let base = ["seal", "--secret", "disk.key", "--output", "x", "--tpm", machine.path]
        func status(_ more: String...) throws -> Int32 { try ToolRun(base + more, in: folder).status }
        #expect(try status() == 64)
        #expect(try status("--public-key", "owner.pub", "--keys", "k") == 64)
        for wrong in [
            ["--pcrs", "7"], ["--pcrs", "11"], ["--pcrs", "7,11,24"], ["--pcrs", "7;11"], ["--pcrs", "4,7,11"],
            ["--pcr", "7"],
            ["--pcr", "7=xyz"], ["--pcr", "7=123"], ["--bank", "sha1"],
        ] {
            let run = try ToolRun(base + ["--public-key", "owner.pub"] + wrong, in: folder)
            #expect(run.status == 64, "\(wrong): \(run.errors)")
        }
        // Too short for the bank; no key; no secret; no TPM: nothing is written.
        #expect(try status("--public-key", "owner.pub", "--pcr", "7=00ff") == 1)
        #expect(try status("--public-key", "disk.key") == 1)
        #expect(try status("--keys", "none") == 1)
        let none = try ToolRun(base.dropLast() + ["/dev/null-tpm", "--public-key", "owner.pub"], in: folder)
        #expect(none.status == 1 && none.errors.contains("cannot open the TPM at /dev/null-tpm"))
        #expect(!FileManager.default.fileExists(atPath: folder.appending(path: "x").path))
    }

    @Test func aFolderOfKeysIsTaken() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        try "correct horse\n".write(to: folder.appending(path: "pw"), atomically: true, encoding: .utf8)
        let made = try ToolRun(
            ["keys", "init", "owner", "--height", "5", "--no-secure-boot", "--passphrase-file", "pw"], in: folder)
        #expect(made.status == 0)
        let seal = ["seal", "--secret", "disk.key", "--keys", "owner", "--json", "--output"]
        let run = try ToolRun(seal + ["a", "--tpm", machine.path], in: folder)
        let answer = try Self.decoder.decode(Answer.self, from: Data(run.output.utf8))
        let key = try SealedFile.publicKey(folder.appending(path: "owner/manifest-key.pub").path)
        let expected = SealPolicy.authority(.sha384, ownerKey: key)
        #expect(answer.pcrs["11"] == expected.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined())
        #expect(try ToolRun(["keys", "revoke", "owner"], in: folder).status == 0)
        let revoked = try ToolRun(seal + ["b", "--tpm", machine.path], in: folder)
        #expect(revoked.status == 1 && revoked.errors.contains("is revoked"))
    }

    @Test func theCounterCounts() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        #expect(try tool("counter").output.hasPrefix("no counter"))
        #expect(try tool("counter", "--at-least", "1").errors.contains("--create"))
        let made = try tool("counter", "--create")
        let base = try #require(UInt64(made.output.prefix { $0.isNumber }))
        #expect(made.status == 0 && made.output == "\(base) (made)\n")
        #expect(try tool("counter", "--create").output == "\(base) (was there)\n")
        #expect(try tool("counter", "--at-least", "\(base + 2)").output == "\(base + 2)\n")
        let far = try tool("counter", "--at-least", "\(base + 1003)")
        #expect(far.status == 1 && far.errors.contains("is more than 1000 above it"))
        struct State: Decodable {
            var index: String
            var isThere, isNew: Bool
            var value: UInt64
        }
        let state = try Self.decoder.decode(State.self, from: Data(try tool("counter", "--json").output.utf8))
        #expect(state.index == "01804C4Bh" && state.isThere && !state.isNew && state.value == base + 2)
        #expect(try tool("counter", "--at-least", "x").status == 64)
    }
}
