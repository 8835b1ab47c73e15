import Foundation
import Machines
import ManifestFile
import SignedImages
import TPM
import Trust

@testable import Attestation

/// A volume, a TPM into which its boot was measured, and evidence of that. What is tested is what becomes of a change.
final class AttestedMachine {
    let volume = FileManager.default.temporaryDirectory.appending(
        path: "bulkhead-attest-\(UUID().uuidString.prefix(8))")
    let tpm: MeasuringTPM
    let expected: ExpectedMeasurements
    let program: [UInt8]
    /// Of a start before, with all that is on the volume, and nothing else.
    let enrolment: Evidence
    static let nonce = [UInt8](repeating: 0x5A, count: 32)

    /// - Parameters:
    ///   - isOn: Secure Boot; nil: the log does not say.
    ///   - change: what is measured instead of what is on the volume.
    ///   - always: what differs at the enrolment too.
    init(
        secureBoot isOn: Bool? = true, _ change: (inout [LoggedEvent]) -> Void = { _ in },
        always: (inout [LoggedEvent]) -> Void = { _ in }
    ) throws {
        program = Self.program()
        try Self.write(volume, program)
        expected = try Self.expected(volume)
        tpm = try MeasuringTPM()
        var events = [LoggedEvent(pcr: 0, type: 8, of: [1, 0])]
        if let isOn {
            events.append(LoggedEvent(pcr: 7, type: LoggedEvent.variable, of: SecureBootState.data(isOn: isOn)))
        }
        events += (UInt32(0)...7).map { LoggedEvent(pcr: $0, type: LoggedEvent.separator, of: [0, 0, 0, 0]) }
        var start = LoggedEvent(pcr: 4, type: LoggedEvent.application, of: [])
        for bank in PCRBank.allCases { start.digests[bank] = try ProgramDigest.digest(of: program, bank) }
        events.append(start)
        events += expected.events.map { event in LoggedEvent(event, number: Self.number(event.object)) }
        always(&events)
        for event in events { try tpm.measure(event) }
        enrolment = try tpm.connect().evidence(nonce: [UInt8](repeating: 0xE0, count: 8), log: tpm.log)
        try tpm.restart()
        change(&events)
        for event in events { try tpm.measure(event) }
    }
    deinit { try? FileManager.default.removeItem(at: volume) }

    private static func number(_ object: String) -> UInt32 {
        (0x424C_4B00...0x424C_4BFF).first { MeasuredObject(rawValue: $0)?.name == object } ?? 0
    }

    static func expected(_ volume: URL) throws -> ExpectedMeasurements {
        try ExpectedMeasurements(VolumeReader(volume), key: nil, version: "0.1.0")
    }

    func evidence(_ nonce: [UInt8] = nonce) throws -> Evidence {
        try tpm.connect().evidence(nonce: nonce, log: tpm.log)
    }
    func key() throws -> AttestationKey { try tpm.connect().attestationKey().key }

    /// A quote of some PCRs, by any key, as a machine may make it by itself.
    func evidence(
        of selections: [PCRSelection], by handle: UInt32 = TPMConnection.attestationHandle, log: [UInt8]? = nil
    ) throws -> Evidence {
        let connection = try tpm.connect()
        let area = try AttestationKeyArea(connection.readPublic(handle)?.area ?? [])
        var evidence = Evidence(
            nonce: Self.nonce, ueid: area.ueid, quote: [], signature: [], key: area.bytes, values: [],
            log: log ?? tpm.log)
        let command = try TPMCommand(.quote, handles: [handle], authorizations: [.emptyPassword]) {
            $0.put(sized: evidence.qualification)
            $0.put(0x0010 as UInt16)
            $0.put(UInt32(selections.count))
            for selection in selections {
                var list = TPMWriter()
                selection.write(to: &list)
                // Without the count that stands before a list.
                $0.put(list.bytes.dropFirst(4))
            }
        }
        var reply = try connection.run(command).parameters
        evidence.quote = try reply.sized()
        while !reply.isAtEnd { evidence.signature += try reply.bytes(1) }
        for selection in selections {
            let values = try connection.readPCRs(selection)
            evidence.values += values.sorted { $0.key < $1.key }.flatMap(\.value)
        }
        return evidence
    }

    func demand(earlier: Evidence? = nil, requiresSecureBoot: Bool = true) throws -> EvidenceDemand {
        EvidenceDemand(
            nonce: Self.nonce, key: try key(), expected: expected, program: program, volume: "VOLUME",
            baseline: enrolment, requiresSecureBoot: requiresSecureBoot, earlier: earlier)
    }

    /// What is bad, as the command prints it; empty where all holds.
    static func complaints(_ evidence: Evidence, _ demand: EvidenceDemand) throws -> [String] {
        try EvidenceCheck(evidence, demand).findings.filter { $0.state == .bad }
            .map { (["\($0.name): \($0.words)"] + $0.details).joined(separator: "\n") }
    }

    /// Two partitions with small images, and a manifest that nobody signed.
    private static func write(_ volume: URL, _ program: [UInt8]) throws {
        let folder = volume.appending(path: "BULKHEAD"), boot = volume.appending(path: "EFI/BOOT")
        for place in [folder, boot] {
            try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
        }
        try Data(program).write(to: boot.appending(path: "BOOTX64.EFI"))
        for (i, name) in ["first.elf", "second.elf", "initrd"].enumerated() {
            try Data((0..<3000).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ i) }).write(
                to: folder.appending(path: name))
        }
        let yaml = """
            name: attested
            housekeeping: 0
            partitions:
              - {name: first, cores: [1], memory: 64M, image: {kernel: first.elf, initrd: initrd}, memory-key: required}
              - {name: second, cores: [2], memory: 64M, image: second.elf}
            """
        let file = volume.appending(path: "machine.yaml")
        try Data(yaml.utf8).write(to: file)
        try Data(compileManifest(file.path, images: .folder(folder.path)).1).write(
            to: folder.appending(path: "manifest.cbor"))
    }

    /// What stands for a program where none runs: the head of a PE32+ file, and bytes.
    private static func program() -> [UInt8] {
        var image = [UInt8](repeating: 0xCC, count: 4096)
        image.replaceSubrange(0..<512, with: [UInt8](repeating: 0, count: 512))
        image.replaceSubrange(0..<2, with: [0x4D, 0x5A])
        image[0x3C] = 0x40
        image.replaceSubrange(0x40..<0x44, with: Array("PE\0\0".utf8))
        (image[0x58], image[0x59]) = (0x0B, 2)
        return image
    }
}
