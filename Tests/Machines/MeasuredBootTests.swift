import Attestation
import Control
import ControlClient
import Foundation
import Keys
import Machines
import Manifest
import ManifestFile
import SignedImages
import TPM
import TestKit
import Testing
import Trust

extension MachineTests {
    /// A machine with a TPM (swtpm) that outlives it: once guests run, the power is cut, and tpm2-tools ask the TPM what was measured.
    @Suite(.serialized, .stopsMachines) struct MeasuredBoot {
        /// Secure Boot, a TPM and an owner's key: what the manifest requires is there, and the values are those that the tool
        /// computes from the owner's files. The log, read from the machine's memory, replays to them.
        @Test func theTPMHasWhatTheOwnersFilesSay() throws {
            let volume = try MeasuredVolume("measured-signed", require: "require: [secure-boot, tpm]\n", isSigned: true)
            let boot = try MeasuredMachine(volume, hasSecureBoot: true)
            #expect(boot.second.state == .running)
            #expect(boot.trust.rawValue == 7)
            #expect(!boot.lines.contains { $0.contains("is off") || $0.contains("no TPM") || $0.contains("no owner") })
            let expected = try volume.expected()
            #expect(boot.pcrs == expected.pcrs)
            #expect(
                expected.events.map(\.object) == [
                    "owner-key", "version", "manifest", "kernel", "initrd", "kernel", "closed",
                ])
            for values in expected.pcrs.values {
                for (pcr, value) in values {
                    #expect(boot.log.contains { $0.contains("\(pcr)") && $0.lowercased().hasSuffix("0x" + value) })
                }
            }
            for event in expected.events {
                #expect(boot.log.contains { $0.contains(event.sha256) }, "\(event.name) is in no event of the log")
            }
            #expect(try boot.check(volume, requiresSecureBoot: true).filter { $0.state == .bad } == [])
        }

        /// Nobody's key, another manifest: other values, again those that are computed. What is weaker is said.
        @Test(.nightly) func anotherVolumeGivesOtherValues() throws {
            let signed = try MeasuredVolume("measured-signed", require: "require: [secure-boot, tpm]\n", isSigned: true)
            let volume = try MeasuredVolume("measured-plain", require: "require: [tpm]\n", isSigned: false)
            let boot = try MeasuredMachine(volume, hasSecureBoot: false)
            #expect(boot.trust == .tpm)
            for words in ["Secure Boot is off: ", "no owner's key: "] {
                #expect(boot.lines.contains { $0.hasPrefix("bulkhead: " + words) }, "\(boot.lines)")
            }
            let expected = try volume.expected()
            #expect(boot.pcrs == expected.pcrs)
            #expect(try boot.check(volume, requiresSecureBoot: false).filter { $0.state == .bad } == [])
            let bad = try boot.check(signed, requiresSecureBoot: true).filter { $0.state == .bad }
            #expect(bad.map(\.name) == ["pcr-11", "pcr-12", "program", "secure-boot"])
            #expect(bad[0].details.contains("an event is missing: owner's key"), "\(bad)")
            #expect(
                bad[0].details.contains { $0.hasPrefix("the log has an event that VOLUME does not: no owner's key, ") })
            #expect(
                bad[1].details.first?.hasPrefix("the manifest measured is not the one in VOLUME: ") == true, "\(bad)")
            let others = try signed.expected()
            for bank in ["sha256", "sha384"] {
                for pcr in ["11", "12"] { #expect(boot.pcrs[bank]?[pcr] != others.pcrs[bank]?[pcr]) }
            }
        }

        /// A bit of a kernel: its partition does not start, and PCR 12 says it; PCR 11, who decides, is as it was, and not what
        /// another owner's would be.
        @Test(.nightly) func aChangedKernelGivesAnotherValue() throws {
            let volume = try MeasuredVolume("measured-changed", require: "", isSigned: true)
            let expected = try volume.expected()
            try volume.change("second.elf")
            let boot = try MeasuredMachine(volume, hasSecureBoot: false)
            #expect(boot.second.state == .crashed && boot.second.cause == .badImage && boot.second.starts == 0)
            for bank in ["sha256", "sha384"] {
                #expect(boot.pcrs[bank]?["11"] == expected.pcrs[bank]?["11"])
                #expect(boot.pcrs[bank]?["12"] != expected.pcrs[bank]?["12"])
            }
            #expect(try boot.pcrs == volume.expected().pcrs)
            // The same files, unchanged, and another owner.
            let others = try MeasuredVolume("measured-other", require: "", isSigned: true).expected()
            for bank in ["sha256", "sha384"] {
                for pcr in ["11", "12"] { #expect(expected.pcrs[bank]?[pcr] != others.pcrs[bank]?[pcr]) }
            }
        }

        /// One that was refused has told the TPM so before the firmware took the next: what comes after it has not the values of one
        /// that was the first.
        @Test func aRefusalIsMeasured() throws {
            let volume = try MeasuredVolume("measured-second", require: "", isSigned: true)
            let large = try RefusalMachine.compile(
                "  - {name: large, cores: [1], memory: 2G, permit: all, image: neighbour.elf}", memory: "4G")
            let refused = RefusedVolume(
                name: "refused", manifest: large, reason: "memory", hypervisor: nil, images: [])
            let boot = try MeasuredMachine(volume, hasSecureBoot: false, before: [refused])
            var value = Data(count: Digest384.bytes)
            let key = try #require(OwnerSection.key(of: volume.content.hypervisor))
            for content in ["no owner's key", "refused"].map({ Data($0.utf8) }) + [Data(key), Data("closed".utf8)] {
                value = digest(value + digest(content))
            }
            #expect(boot.pcrs["sha384"]?["11"] == value.map { String(format: "%02x", $0) }.joined())
        }

        private func digest(_ data: Data) -> Data {
            let digest = Digest384(of: data)
            return Data((0..<Digest384.bytes).map { digest[$0] })
        }

        @Test func whatIsRequiredAndNotThereIsRefused() throws {
            let boot = try refusing(
                "required",
                [
                    ("tpm", "[tpm]", "the manifest requires a TPM; this machine has none"),
                    ("secure-boot", "[secure-boot]", "the manifest requires Secure Boot, which is off"),
                    ("none", nil, ""),
                ], Emulator(.amd))
            defer { boot.machine.stop() }
            #expect(try boot.client.hello().trust.isEmpty)
            #expect(boot.lines.contains { $0.hasPrefix("bulkhead: no TPM: nothing is measured") })
        }

        /// A TPM none of whose active banks has a digest that still counts is none.
        @Test(.nightly) func aTPMWithSHA1AloneCountsAsNone() throws {
            let tpm = try SoftwareTPM(banks: "sha1")
            defer { tpm.stop() }
            var emulator = Emulator(.amd)
            emulator.tpm = tpm.control
            let boot = try refusing(
                "sha1",
                [
                    ("tpm", "[tpm]", "the manifest requires a TPM; this machine has none"), ("none", nil, ""),
                ], emulator)
            defer { boot.machine.stop() }
            #expect(try boot.client.hello().trust.isEmpty)
        }

        /// Firmware that fails to measure a kernel, long after the manifest was read: that is said, and counts as no TPM.
        @Test func aTPMThatRefusesCountsAsNone() throws {
            let tpm = try SoftwareTPM()
            defer { tpm.stop() }
            var emulator = Emulator(.amd)
            emulator.tpm = tpm.control
            let boot = try refusing(
                "refused-measurement",
                [
                    ("tpm", "[tpm]", "the manifest requires a TPM; this machine has none that took all"),
                    ("none", nil, ""),
                ],
                emulator, firmware: "protection-refuses.efi")
            defer { boot.machine.stop() }
            #expect(try boot.client.hello().trust.isEmpty)
            let words =
                "bulkhead: the TPM counts as none, status 0x8000000000000007: it refused to measure neighbour.elf"
            #expect(boot.lines.count { $0.hasPrefix(words) } == 2, "\(boot.lines)")
        }

        private func refusing(
            _ name: String, _ volumes: [(name: String, require: String?, reason: String)], _ emulator: Emulator,
            firmware: String? = nil
        ) throws -> RefusalMachine {
            var emulator = emulator
            (emulator.cores, emulator.memory) = (2, 512 << 20)
            let refused = try volumes.map { volume in
                let text =
                    "name: refusals\nhousekeeping: 0\nlink: serial\n"
                    + (volume.require.map { "require: \($0)\n" } ?? "")
                    + "partitions:\n  - {name: small, cores: [1], memory: 64M, permit: all, image: neighbour.elf}\n"
                let manifest = try parseManifest(text, file: "required.yaml", images: .unchecked)
                return RefusedVolume(
                    name: volume.name, manifest: try encodeManifest(manifest, file: "required.yaml"),
                    reason: volume.reason)
            }
            return try RefusalMachine(name, refused, emulator, firmware: firmware)
        }
    }
}

/// A boot volume with two partitions, and the files that it was made of.
private struct MeasuredVolume {
    let name: String
    let content: BootVolumeImage
    let folder: URL
    let keys: KeyFolder
    let workspace: Workspace

    init(_ name: String, require: String, isSigned: Bool) throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        workspace = Workspace(root: root)
        try buildAdversaries(workspace)
        self.name = name
        folder = workspace.cache.appending(path: "tests/\(name)")
        try? FileManager.default.removeItem(at: folder)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let kernel = try Data(contentsOf: workspace.cache.appending(path: "images/neighbour.elf"))
        for file in ["first.elf", "second.elf"] { try kernel.write(to: folder.appending(path: file)) }
        try Data((0..<100_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }).write(to: folder.appending(path: "initrd"))
        let yaml = """
            name: measured
            machine: {cores: 3, memory: 256M}
            housekeeping: 0
            link: serial
            \(require)partitions:
              - {name: first, cores: [1], memory: 32M, permit: all, image: {kernel: first.elf, initrd: initrd}}
              - {name: second, cores: [2], memory: 32M, permit: all, image: second.elf}
            """
        let file = folder.path + "/machine.yaml"
        try Data(yaml.utf8).write(to: URL(filePath: file))
        let encoded = try compileManifest(file, images: .folder(folder.path)).1
        let images = ["first.elf", "second.elf", "initrd"]
            .map { [folder] in BootVolumeImage.Image(path: $0, source: folder.appending(path: $0)) }
        var content = BootVolumeImage(hypervisor: workspace.hypervisor, manifest: encoded, images: images)
        keys = KeyFolder(folder.path + "/keys")
        if isSigned {
            let passphrase = Passphrase("correct horse")
            try keys.create(height: 5, passphrase, Scrypt(cost: 2))
            try content.sign(with: keys, passphrase, in: folder)
        }
        self.content = content
    }

    func expected() throws -> ExpectedMeasurements {
        let target = folder.appending(path: "volume")
        try content.writeFolder(target, mayBeUnsigned: true)
        return try ExpectedMeasurements(
            VolumeReader(target), key: OwnerSection.key(of: content.hypervisor), version: HypervisorVersion.text)
    }

    func change(_ image: String) throws {
        var bytes = try Data(contentsOf: folder.appending(path: image))
        bytes[bytes.count - 1] ^= 0x10
        try bytes.write(to: folder.appending(path: image))
    }

    /// The program as firmware with Debian's test keys starts it.
    func signedForSecureBoot() throws -> URL {
        let target = folder.appending(path: "secure.efi"), keys = "/usr/share/ovmf/PkKek-1-snakeoil"
        try? FileManager.default.removeItem(at: target)
        try Tool.run(
            "osslsigncode",
            [
                "sign", "-h", "sha384", "-certs", keys + ".pem", "-key", keys + ".key", "-pass", "snakeoil",
                "-in", content.hypervisor.path, "-out", target.path,
            ])
        return target
    }
}

/// One boot, and what the TPM had afterwards.
private struct MeasuredMachine {
    let trust: TrustAnchors
    /// Of the second partition, once it runs or never will.
    let second: PartitionInfo
    /// What the hypervisor said.
    let lines: [String]
    /// As `ExpectedMeasurements.pcrs`.
    private(set) var pcrs: [String: [String: String]] = [:]
    /// What tpm2_eventlog makes of the log in the machine's memory.
    let log: [String]
    /// Of that log, by the TPM: asked twice.
    let enrolment, evidence: Evidence
    private let key: AttestationKey
    private static let nonce = [UInt8](repeating: 0x5A, count: 32)

    /// As `bulkhead verify` does.
    func check(_ volume: MeasuredVolume, requiresSecureBoot: Bool) throws -> [EvidenceFinding] {
        let program = [UInt8](try Data(contentsOf: volume.content.hypervisor.resolvingSymlinksInPath()))
        let demand = EvidenceDemand(
            nonce: Self.nonce, key: key, expected: try volume.expected(), program: program, volume: "VOLUME",
            baseline: enrolment, requiresSecureBoot: requiresSecureBoot)
        return try EvidenceCheck(evidence, demand).findings
    }

    /// - Parameter before: what is refused before it, in the same power-on.
    init(_ volume: MeasuredVolume, hasSecureBoot: Bool, before: [RefusedVolume] = []) throws {
        let tpm = try SoftwareTPM()
        defer { tpm.stop() }
        var emulator = Emulator(.amd)
        (emulator.cores, emulator.memory, emulator.tpm) = (3, 512 << 20, tpm.control)
        var program = volume.content.hypervisor
        if hasSecureBoot {
            emulator.firmware = URL(filePath: "/usr/share/OVMF/OVMF_CODE_4M.snakeoil.fd")
            emulator.variables = URL(filePath: "/usr/share/OVMF/OVMF_VARS_4M.snakeoil.fd")
            emulator.extra = ["-global", "driver=cfi.pflash01,property=secure,value=on"]
            program = try volume.signedForSecureBoot()
        }
        let boot = try RefusalMachine(
            volume.name,
            before + [
                RefusedVolume(
                    name: "volume", manifest: volume.content.manifest, reason: "", hypervisor: program,
                    images: volume.content.images)
            ], emulator)
        defer { boot.machine.stop() }
        trust = try boot.client.hello().trust
        func second() throws -> PartitionInfo {
            try #require(try boot.client.list().last)
        }
        let deadline = boot.machine.deadline(seconds: 60)
        var info = try second()
        while ![.running, .crashed].contains(info.state), !deadline.isOver { info = try second() }
        self.second = info
        lines = boot.lines
        let memory = volume.folder.appending(path: "memory")
        try MachineProtocol(boot.machine).save(0..<512 << 20, to: memory)
        boot.machine.cutPower()
        let file = volume.folder.appending(path: "log")
        let content = try Self.log(in: Data(contentsOf: memory, options: .mappedIfSafe))
        try content.write(to: file)
        try? FileManager.default.removeItem(at: memory)
        log = try Tool.run("tpm2_eventlog", [file.path]).split(separator: "\n").map(String.init)
        let pipe = volume.workspace.root.appending(path: "Tests/Machines/tpm-pipe.py").path
        var bank = ""
        let values = try Tool.run(
            "tpm2_pcrread", ["-T", "cmd:python3 \(pipe) \(tpm.control.path)", "sha256:11,12+sha384:11,12"])
        let connection = try TPMConnection("swtpm:" + tpm.control.path)
        key = try connection.attestationKey().key
        // Refuses a bank that the firmware does not extend.
        enrolment = try connection.enrolment(nonce: nil, log: [UInt8](content))
        evidence = try connection.evidence(nonce: Self.nonce, log: [UInt8](content))
        for line in values.split(separator: "\n") {
            let parts = line.split(separator: ":").map { $0.trimmingCharacters(in: .whitespaces) }
            if parts.count == 1 {
                bank = parts[0]
            } else {
                pcrs[bank, default: [:]][parts[0]] = String(parts[1].dropFirst(2).lowercased())
            }
        }
    }

    /// The firmware's log (TCG PC Client Platform Firmware Profile, section 10): of all that begins like one, the longest. It lies
    /// in memory of boot services, which nobody is given.
    private static func log(in memory: Data) throws -> Data {
        func number(_ at: Int, _ size: Int) -> Int {
            guard at + size <= memory.count else { return .max }
            return (0..<size).reduce(0) { $0 | Int(memory[at + $1]) << (8 * $1) }
        }
        var longest = 0..<0, from = 0
        while let mark = memory.range(of: Data("Spec ID Event03\0".utf8), in: from..<memory.count) {
            from = mark.upperBound
            let start = mark.lowerBound - 32
            guard start >= 0, number(start + 4, 4) == 3 else { continue }
            let sizes = [4: 20, 0xB: 32, 0xC: 48, 0xD: 64]
            var at = mark.lowerBound + number(start + 28, 4)
            let count = number(mark.lowerBound + 24, 4)
            while number(at + 8, 4) == count {
                var next = at + 12
                for _ in 0..<count { next += 2 + (sizes[number(next, 2)] ?? memory.count) }
                guard number(next, 4) < 1 << 20 else { break }
                at = next + 4 + number(next, 4)
            }
            if at - start > longest.count { longest = start..<at }
        }
        try #require(!longest.isEmpty, "there is no event log in memory")
        return memory[longest]
    }
}
