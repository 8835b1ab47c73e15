import Foundation
import Keys
import Machines
import Manifest
import ManifestFile
import SignedImages
import TestKit
import Testing
import Trust

extension MachineTests {
    /// A partition that has the machine's TPM (swtpm), under Debian's own driver, beside one that has not.
    @Suite(.serialized, .stopsMachines) struct PartitionTPM {
        nonisolated(unsafe) static let shared = Result { try OwnedTPM("tpm-crb") }
        let owned: OwnedTPM
        var machine: BootedMachine { owned.machine }

        init() throws {
            owned = try unsafe Self.shared.get()
            try machine.guest("owner").wait(for: "@bulkhead tpm-done", seconds: 180)
        }

        @Test func theGuestReadsWhatTheOwnersFilesSay() throws {
            let owner = machine.guest("owner").lines
            #expect(owner.contains("@bulkhead tpm device=1 table=1 driver=tpm_crb"), "\(owner)")
            let expected = try owned.expected(), found = owned.pcrs()
            for bank in ["sha256", "sha384"] {
                for pcr in ["11", "12"] { #expect(found[bank]?[pcr] == expected.pcrs[bank]?[pcr], "\(bank) \(pcr)") }
            }
        }

        /// Also PCR 5, into which the firmware measures that it is left, behind the log's end.
        @Test func itsLogReplaysToWhatTheTPMHolds() throws {
            let replayed = try owned.replay(), found = owned.pcrs()
            for bank in ["sha256", "sha384"] {
                for pcr in ["5", "11", "12"] {
                    let value = try #require(found[bank]?[pcr])
                    #expect(value.contains { $0 != "0" } && replayed[bank]?[pcr] == value, "\(bank) \(pcr)")
                }
            }
        }

        /// By a key that the guest has the TPM make: root mode has no part in it. tpm2_checkquote takes the signature for this nonce alone.
        @Test func itsGuestQuotesWithoutRootMode() throws {
            let folder = try owned.folder("quote"), key = try owned.file("key"), quote = try owned.file("quote")
            // Behind header, handle and size of parameters: TPM2B_PUBLIC. Behind header and size: TPM2B_ATTEST, TPMT_SIGNATURE.
            try owned.sized(key, at: 18, withSize: true).write(to: folder.appending(path: "key"))
            let attest = try owned.sized(quote, at: 14, withSize: false)
            try attest.write(to: folder.appending(path: "attest"))
            // Up to the session's answer: nonce, attributes and authorization, five bytes.
            try quote[(16 + attest.count)..<quote.count - 5].write(to: folder.appending(path: "signature"))
            func check(_ nonce: String) throws {
                try Tool.run(
                    "tpm2_checkquote",
                    ["-u", "key", "-m", "attest", "-s", "signature"].map {
                        $0.hasPrefix("-") ? $0 : folder.appending(path: $0).path
                    } + ["-g", "sha256", "-q", nonce])
            }
            try check("000102030405060708090a0b0c0d0e0f")
            #expect(throws: MachineError.self) { try check("000102030405060708090a0b0c0d0e10") }
            let values = try ["11", "12"].map { try #require(owned.pcrs()["sha256"]?[$0]) }.joined()
            #expect(attest.suffix(32) == Data(SHA256.digest(try #require(Data(hexadecimal: values)))))
        }

        /// The same address is unclaimed memory there: it reads as ones, and a request for the locality changes nothing.
        @Test func nobodyElseHasIt() throws {
            let neighbour = machine.guest("neighbour")
            let line = try neighbour.wait(for: "@bulkhead tpm-registers ", seconds: 180)
            #expect(line == "@bulkhead tpm-registers interface=0xFFFFFFFF locality=0xFFFFFFFF")
            #expect(neighbour.lines.contains("@bulkhead tpm device=0 table=0 driver="), "\(neighbour.lines)")
        }

        @Test func itsRegistersAreInNobodyElsesTables() throws {
            let snapshot = try Snapshot(machine.testbed.machine, machine.workspace, name: "partition-tpm")
            let (ownership, audit) = try snapshot.audit(machine.testbed)
            #expect(audit.findings.isEmpty, "\(audit.text)")
            let tpm: Range<UInt64> = 0xFED4_0000..<0xFED4_5000
            #expect(ownership.of(.registers).map(\.range) == [tpm] && ownership.of(.registers, owner: 0).count == 1)
            var owners: [Int] = []
            for root in ownership.of(.nestedRoot) {
                let found = TableWalk(root.range.lowerBound, snapshot.memory).mappings
                    .filter { $0.physical.overlaps(tpm) }
                guard !found.isEmpty else { continue }
                owners.append(root.owner)
                #expect(found.allSatisfy { $0.virtual == $0.physical.lowerBound && !$0.execute && $0.write })
                #expect(found.reduce(0) { $0 + $1.physical.count } == tpm.count && root.detail == 0)
            }
            // Of each of its two vCPUs: memory, and the same with what is unclaimed.
            #expect(owners == [0, 0, 0, 0], "\(owners)")
            for root in ownership.of(.core) {
                let mappings = TableWalk(root.detail, snapshot.memory).mappings
                #expect(!mappings.contains { $0.physical.overlaps(tpm) })
            }
        }

        /// The TPM is not reset with its guest, and the log is there again.
        @Test func itsNextGuestHasTheSame() throws {
            let before = owned.pcrs(), log = try owned.file("log")
            let guest = machine.guest("owner"), first = guest.lines.count
            try machine.client.change(.restart, "owner")
            try guest.wait(for: "@bulkhead tpm-done", from: first, seconds: 180)
            #expect(owned.pcrs(from: first) == before)
            #expect(try owned.file("log", from: first) == log)
        }
    }

    /// A TPM that keeps commands in memory is refused by number, and a log that is not whole is nobody's.
    @Suite(.serialized, .stopsMachines) struct PartitionTPMRefusals {
        @Test func whatIsNotAllRegistersIsRefused() throws {
            let tpm = try SoftwareTPM()
            defer { tpm.stop() }
            var emulator = Emulator(.amd)
            (emulator.cores, emulator.memory, emulator.tpm) = (2, 512 << 20, tpm.control)
            let manifest = try RefusalMachine.compile(
                "  - {name: small, cores: [1], memory: 64M, permit: all, image: neighbour.elf, tpm: true}")
            let boot = try RefusalMachine(
                "partition-tpm",
                [
                    RefusedVolume(
                        name: "elsewhere", manifest: manifest,
                        reason:
                            "partition \"small\" has the TPM, but this machine has none that a partition can have: start method "
                            + "7, control area at 0x7f000000", firmware: "tpm-elsewhere.efi"),
                    RefusedVolume(name: "cut", manifest: manifest, reason: "", firmware: "tpm-cuts.efi"),
                ], emulator)
            defer { boot.machine.stop() }
            #expect(boot.refusals.allSatisfy { $0.hasPrefix("bulkhead: refused: R134 ") }, "\(boot.refusals)")
            let words = "bulkhead: no guest has the event log: cut, or over 65536 bytes"
            #expect(boot.lines.count { $0 == words } == 1, "\(boot.lines)")
            let deadline = boot.machine.deadline(seconds: 60)
            while try boot.client.list().first?.state != .running, !deadline.isOver {}
            #expect(try boot.client.list().first?.state == .running)
        }
    }

    /// The same for a FIFO, as most discrete TPMs are.
    @Suite(.serialized, .stopsMachines, .nightly) struct PartitionFIFO {
        @Test func theGuestHasAFIFOToo() throws {
            let owned = try OwnedTPM("tpm-tis")
            let guest = owned.machine.guest("owner")
            try guest.wait(for: "@bulkhead tpm-done", seconds: 180)
            #expect(guest.lines.contains("@bulkhead tpm device=1 table=1 driver=tpm_tis"), "\(guest.lines)")
            #expect(try owned.pcrs()["sha384"]?["11"] == owned.expected().pcrs["sha384"]?["11"])
            #expect(try owned.replay()["sha384"]?["5"] == owned.pcrs()["sha384"]?["5"])
        }
    }
}

/// A machine whose first partition has the TPM.
final class OwnedTPM {
    private let tpm: SoftwareTPM
    let machine: BootedMachine

    /// - Parameter device: what QEMU calls it.
    init(_ device: String) throws {
        try buildDeviceGuests()
        tpm = try SoftwareTPM()
        machine = try BootedMachine(
            manifest: "partition-tpm",
            extra: [
                "-chardev", "socket,id=tpm,path=\(tpm.control.path)", "-tpmdev", "emulator,id=tpm,chardev=tpm",
                "-device", "\(device),tpmdev=tpm",
            ])
    }

    func folder(_ name: String) throws -> URL {
        let folder = machine.workspace.cache.appending(path: "tests/partition-tpm-\(name)")
        try? FileManager.default.removeItem(at: folder)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        return folder
    }

    /// What the TPM must hold, by the files of the boot volume.
    func expected() throws -> ExpectedMeasurements {
        let file = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "Manifests/partition-tpm.yaml").path
        let volume = try BootVolumeImage.compile(file, machine.workspace, images: .search([], thenCheckout: true))
            .volume
        let target = try folder("volume")
        try volume.writeFolder(target, mayBeUnsigned: true)
        return try ExpectedMeasurements(VolumeReader(target), key: nil, version: HypervisorVersion.text)
    }

    /// As the guest has read them, from line `start` on: by bank and number.
    func pcrs(from start: Int = 0) -> [String: [String: String]] {
        var found: [String: [String: String]] = [:]
        for line in machine.guest("owner").lines.dropFirst(start) where line.hasPrefix("@bulkhead tpm-pcr ") {
            let words = line.split(separator: " ")
            if words.count == 5 { found[String(words[2]), default: [:]][String(words[3])] = words[4].lowercased() }
        }
        return found
    }

    /// A file that the guest has sent.
    func file(_ name: String, from start: Int = 0) throws -> Data {
        let prefix = "@bulkhead tpm-\(name) "
        let lines = machine.guest("owner").lines.dropFirst(start).filter { $0.hasPrefix(prefix) }
        let packed = try #require(Data(base64Encoded: lines.map { String($0.dropFirst(prefix.count)) }.joined()))
        let file = try folder("file").appending(path: "\(name).gz")
        try packed.write(to: file)
        try Tool.run("gzip", ["-d", file.path])
        return try Data(contentsOf: file.deletingPathExtension())
    }

    /// The bytes behind a big-endian size of two bytes, or with it.
    func sized(_ answer: Data, at offset: Int, withSize: Bool) throws -> Data {
        try #require(answer.count > offset + 2)
        let end = offset + 2 + Int(answer[offset]) << 8 + Int(answer[offset + 1])
        try #require(answer.count >= end)
        return answer[(withSize ? offset : offset + 2)..<end]
    }

    /// What tpm2_eventlog computes from the guest's log: by bank and number.
    func replay() throws -> [String: [String: String]] {
        let file = try folder("log").appending(path: "log")
        try self.file("log").write(to: file)
        var found: [String: [String: String]] = [:], bank: String?
        let lines = try Tool.run("tpm2_eventlog", [file.path]).split(separator: "\n").drop { $0 != "pcrs:" }
        for line in lines.dropFirst() {
            let parts = line.split(separator: ":").map { $0.trimmingCharacters(in: .whitespaces) }
            if parts.count == 1 { bank = parts[0] }
            guard parts.count == 2, let bank, parts[1].hasPrefix("0x") else { continue }
            found[bank, default: [:]][parts[0]] = String(parts[1].dropFirst(2)).lowercased()
        }
        return found
    }
}

extension Data {
    fileprivate init?(hexadecimal text: String) {
        let digits = Array(text)
        guard digits.count % 2 == 0 else { return nil }
        self.init()
        for i in stride(from: 0, to: digits.count, by: 2) {
            guard let byte = UInt8(String(digits[i...i + 1]), radix: 16) else { return nil }
            append(byte)
        }
    }
}
