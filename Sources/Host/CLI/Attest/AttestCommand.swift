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

              bulkhead attest --key-only --output ak.pub              # once, at enrolment
              bulkhead attest --nonce 4f1c… --output evidence.cbor    # whenever somebody asks

            The nonce is 8 to 48 bytes that who asks has chosen at random. The first use makes the key that quotes, at the \
            persistent handle 81010010h; its private part never leaves the TPM.

            Exit codes: 0 done, 1 it cannot be done, which is said, 64 the command line is wrong.
            """)

    @Option(help: ArgumentHelp("What who asks has sent: 8 to 48 bytes in hexadecimal digits.", valueName: "hex"))
    var nonce: NonceArgument?
    @Flag(help: "Write the public key instead, in PEM.") var keyOnly = false
    @Option(help: ArgumentHelp("The file that is written.", valueName: "file")) var output: String
    @Option(help: ArgumentHelp("The TPM: a device, or swtpm: and an swtpm's control socket.", valueName: "tpm"))
    var tpm = TPMConnection.standardPath
    @Option(help: ArgumentHelp("The firmware's event log.", valueName: "file"))
    var log = "/sys/kernel/security/tpm0/binary_bios_measurements"

    func validate() throws {
        guard (nonce != nil) != keyOnly else { throw ValidationError("either --nonce or --key-only is needed") }
    }

    func run() throws {
        let content: [UInt8]
        if let nonce {
            let log = try EvidenceFile.read(log, atMost: EventLog.mostBytes)
            content = try TPMConnection(tpm).evidence(nonce: nonce.bytes, log: log).encode()
        } else {
            content = Array(try TPMConnection(tpm).attestationKey().key.pem.utf8)
        }
        try SafeFile.replace(URL(filePath: output)) { try Data(content).write(to: $0) }
    }
}
