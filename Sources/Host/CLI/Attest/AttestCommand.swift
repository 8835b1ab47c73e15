import ArgumentParser
import Attestation
import Foundation
import Machines
import TPM

/// `bulkhead attest`: what this machine can prove of itself.
struct AttestCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "attest", abstract: "Have this machine's TPM say what was started.",
        discussion: """
            Runs where the TPM is: in the partition that has it, or on Linux whose machine has started so. Writes evidence: the \
            TPM's quote of PCRs 0 to 15, its signature, the firmware's event log. `bulkhead verify` checks it elsewhere, offline: \
            Documentation/attestation.md.

              bulkhead attest --enroll enrolment.cbor --output ak.pub # once
              bulkhead attest --nonce 4f1c… --output evidence.cbor    # whenever somebody asks

            --enroll also writes evidence of this start, with the nonce or one of its own: later starts are compared to it.

            The nonce is 8 to 48 bytes that who asks has chosen at random. The first use makes the key that quotes, at the \
            persistent handle 81010010h; its private part never leaves the TPM.

            Exit codes: 0 done, 1 it cannot be done, which is said, 64 the command line is wrong.
            """)

    @Option(help: ArgumentHelp("What who asks has sent: 8 to 48 bytes in hexadecimal digits.", valueName: "hex"))
    var nonce: NonceArgument?
    @Option(
        help: ArgumentHelp(
            "Write the public key instead, in PEM, and into this file evidence of this start.", valueName: "file"))
    var enroll: String?
    @Flag(help: "Write the public key instead, in PEM, and no evidence.") var keyOnly = false
    @Option(help: ArgumentHelp("The file that is written.", valueName: "file")) var output: String
    @Option(help: ArgumentHelp("The TPM: a device, or swtpm: and an swtpm's control socket.", valueName: "tpm"))
    var tpm = TPMConnection.standardPath
    @Option(help: ArgumentHelp("The firmware's event log.", valueName: "file"))
    var log = "/sys/kernel/security/tpm0/binary_bios_measurements"

    func validate() throws {
        guard (nonce != nil || enroll != nil) != keyOnly else {
            throw ValidationError("one of --nonce, --enroll and --key-only is needed")
        }
    }

    func run() throws {
        if keyOnly { return try write(Array(TPMConnection(tpm).attestationKey().key.pem.utf8), to: output) }
        let log = try EvidenceFile.read(log, atMost: EventLog.mostBytes), connection = try TPMConnection(tpm)
        if let enroll {
            let evidence = try connection.enrolment(nonce: nonce?.bytes, log: log)
            try write(evidence.encode(), to: enroll)
            try write(Array(AttestationKeyArea(evidence.key).key.pem.utf8), to: output)
        } else if let nonce {
            try write(connection.evidence(nonce: nonce.bytes, log: log).encode(), to: output)
        }
    }

    private func write(_ content: [UInt8], to path: String) throws {
        try SafeFile.replace(URL(filePath: path)) { try Data(content).write(to: $0) }
    }
}
