import ArgumentParser
import Attestation
import Foundation
import Machines
import ManifestRules
import Reports

/// `bulkhead verify`: whether a machine runs what its owner wants.
struct VerifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Check what a machine's TPM says against the owner's files, offline.",
        discussion: """
            Takes the evidence that `bulkhead attest` has written, the nonce that it was asked with, the machine's key and the \
            evidence of its enrolment, and the boot volume that the machine should have started. Says check by check whether it holds, and what \
            differs: Documentation/attestation.md.

              bulkhead verify evidence.cbor disk.img --nonce 4f1c… --key ak.pub \\
                --baseline enrolment.cbor --keys owner --require secure-boot

            --baseline tells firmware, drivers and Secure Boot's keys that were there at the enrolment from others, which can patch \
            the hypervisor while it is loaded. --no-baseline leaves that out.

            With --keys the volume itself is verified first, as by `bulkhead image verify`; one that is not the owner's proves nothing. \
            With --after evidence that is older than some that was accepted before is refused.

            Exit codes: 0 all holds; 1 something does not, or cannot be checked, which is said; 64 the command line is wrong.
            """)

    enum Requirement: String, ExpressibleByArgument, CaseIterable { case secureBoot = "secure-boot" }

    @Argument(help: "What the machine has written.") var evidence: String
    @Argument(help: "The volume that it should have started: a disk image or a folder.") var volume: String
    @Option(help: ArgumentHelp("What the machine was asked with, in hexadecimal digits.", valueName: "hex"))
    var nonce: NonceArgument
    @Option(help: ArgumentHelp("The machine's enrolled public key, in PEM.", valueName: "file")) var key: String
    @Option(help: ArgumentHelp("Evidence of its enrolment, as `bulkhead attest --enroll` wrote it.", valueName: "file"))
    var baseline: String?
    @Flag(help: "Do not compare firmware, drivers and Secure Boot's keys with those at the enrolment.")
    var noBaseline = false
    @Option(help: ArgumentHelp("The owner's keys; the private parts are not needed.", valueName: "folder"))
    var keys: String?
    @Option(
        help: ArgumentHelp(
            "With --keys without Secure Boot's: the BULKHEAD.EFI that it should be (default: the checkout's).",
            valueName: "file"))
    var program: String?
    @Option(help: ArgumentHelp("The hypervisor's version (default: this tool's).", valueName: "version"))
    var release = HypervisorVersion.text
    @Option(help: ArgumentHelp("What must be on: secure-boot.", valueName: "what")) var require: [Requirement] = []
    @Option(help: ArgumentHelp("Evidence of this machine that was accepted before.", valueName: "file"))
    var after: String?
    @Flag(help: "Print JSON.") var json = false

    func validate() throws {
        guard (baseline != nil) != noBaseline else {
            throw ValidationError(
                baseline == nil
                    ? "--baseline is needed: the file that `bulkhead attest --enroll` wrote; --no-baseline leaves firmware, drivers and "
                        + "Secure Boot's keys unchecked"
                    : "either --baseline or --no-baseline")
        }
        guard keys != nil || program == nil else { throw ValidationError("--program goes with --keys") }
    }

    private struct Report: Encodable {
        var isGood: Bool
        var findings: [EvidenceFinding]
    }

    func run() throws {
        let found = try EvidenceFile.evidence(evidence), enrolled = try EvidenceFile.key(key)
        let reference = try OwnersReference(volume, keys: keys, program: program, release: release)
        let demand = EvidenceDemand(
            nonce: nonce.bytes, key: enrolled, expected: reference.expected, program: [UInt8](reference.program),
            volume: volume, baseline: try baseline.map(EvidenceFile.evidence),
            requiresSecureBoot: require.contains(.secureBoot),
            earlier: try after.map(EvidenceFile.evidence))
        let findings = [volumeFinding(reference), keysFinding(reference)] + (try EvidenceCheck(found, demand).findings)
        let isGood = findings.allSatisfy { $0.state != .bad }
        if json {
            print(try jsonText(Report(isGood: isGood, findings: findings)))
        } else {
            for finding in findings { show(finding) }
        }
        if !isGood { throw ExitCode(1) }
    }

    /// What the machine is held against is worth no more than this.
    private func volumeFinding(_ reference: OwnersReference) -> EvidenceFinding {
        guard keys != nil else {
            return .init("volume", .note, "not checked against the owner's keys (--keys)")
        }
        let words = reference.unchecked.map { "\($0.name): \($0.words)" }
        return words.isEmpty
            ? .init("volume", .good, "the owner's, object by object")
            : .init("volume", .bad, "not all of it could be checked", words)
    }

    /// What is in force `bulkhead ps` says; that a key that is required is there follows from the machine's having booted the manifest.
    private func keysFinding(_ reference: OwnersReference) -> EvidenceFinding {
        .init(
            "memory-keys", .note,
            "what the volume's manifest asks for; a machine that cannot give what is required does not boot it",
            reference.expected.partitions.map { "\($0.name): \($0.memoryKey)" })
    }

    private func show(_ finding: EvidenceFinding) {
        let mark =
            switch finding.state {
            case .good: "✓"
            case .bad: "✗"
            case .note: "-"
            }
        print(printable("\(mark) \(finding.name): \(finding.words)"))
        for detail in finding.details { print(printable("    \(detail)")) }
    }
}
