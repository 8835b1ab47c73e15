import ArgumentParser
import Foundation
import Keys
import Reports
import Seal
import TPM

/// Which TPM a command is for.
struct TPMOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The TPM: a device, or swtpm: and the control socket of a swtpm.", valueName: "device"))
    var tpm = TPMConnection.standardPath
}

/// `bulkhead seal`: a secret for one partition, which only the owner's hypervisor gets.
struct SealCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "seal", abstract: "Seal a secret of a partition to a machine's TPM and its owner's key.",
        discussion: """
            The TPM gives the secret back while its PCRs hold what they held, or will hold: PCR 7 the same Secure Boot, PCR 11 a \
            hypervisor that carries this owner's key, before any partition runs; and while its counter of the security version, where \
            there is one, has at least the value that it has now. Once secrets are handed out the hypervisor \
            extends PCR 11, and nobody gets them until the next start.

              bulkhead seal --secret disk.key --keys owner --output work.sealed

            The file goes to the boot volume, as BULKHEAD/PARTITION.sealed. It is of use to this TPM alone, and is no secret. Run this on \
            the machine itself, as root, in the partition that Bulkhead gives the TPM (tpm: true). PCR 11 is computed from the key; a PCR that Bulkhead will find with another value than it has \
            now is given by --pcr 7=HEX. Documentation/sealing.md tells how to provision a machine, and what is weak.

            Exit codes: 0 done, 1 refused (nothing was written), 64 the command line is wrong.
            """)

    @Option(help: ArgumentHelp("The secret: 16 to 64 bytes, as they are.", valueName: "file")) var secret: String
    @Option(help: ArgumentHelp("The owner's keys; the private parts are not needed.", valueName: "folder"))
    var keys: String?
    @Option(help: ArgumentHelp("In its place: the owner's manifest-key.pub.", valueName: "file")) var publicKey: String?
    @Option(help: ArgumentHelp("The file to write.", valueName: "file")) var output: String
    @OptionGroup var device: TPMOptions
    @Option(help: ArgumentHelp("Which PCRs, with commas between.", valueName: "numbers")) var pcrs = "7,11"
    @Option(
        help: ArgumentHelp("A PCR's value, which is not read from the TPM (may be given again).", valueName: "n=hex"))
    var pcr: [String] = []
    @Option(help: ArgumentHelp("sha256 or sha384 (default: SHA-384 where it is active).", valueName: "bank"))
    var bank: String?
    @Flag(help: "Replace the output where there is one.") var force = false
    @Flag(help: "Print JSON.") var json = false

    func validate() throws {
        guard (keys == nil) != (publicKey == nil) else { throw ValidationError("give either --keys or --public-key") }
        _ = try (numbers(), values(), chosenBank())
        do { try SealPolicy.require(numbers()) } catch { throw ValidationError("\(error)") }
    }

    private func number(_ text: some StringProtocol) throws -> Int {
        guard let number = Int(text), (0..<24).contains(number) else {
            throw ValidationError("\"\(text)\" is no number of a PCR: 0 to 23")
        }
        return number
    }

    private func values() throws -> [Int: [UInt8]] {
        var values: [Int: [UInt8]] = [:]
        for entry in pcr {
            let parts = entry.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, let value = SecretFile.bytes(parts[1].trimmingPrefix("0x").lowercased()) else {
                throw ValidationError("--pcr \(entry): it is a number, = and hexadecimal digits")
            }
            guard values.updateValue(value, forKey: try number(parts[0])) == nil else {
                throw ValidationError("--pcr gives PCR \(parts[0]) twice")
            }
        }
        return values
    }

    /// A PCR whose value is given is one of them.
    private func numbers() throws -> [Int] {
        let listed = try pcrs.split(separator: ",", omittingEmptySubsequences: false).map(number)
        return try Set(listed + values().keys).sorted()
    }

    private func chosenBank() throws -> PCRBank? {
        guard let bank else { return nil }
        guard let found = PCRBank(name: bank) else { throw ValidationError("--bank is sha256 or sha384") }
        return found
    }

    private func ownerKey() throws -> [UInt8] {
        if let publicKey { return try SealedFile.publicKey(publicKey) }
        let folder = KeyFolder(keys ?? "")
        if let summary = try? folder.summary(), summary.isRevoked {
            throw KeyError.revoked(fingerprint: summary.fingerprint)
        }
        return try folder.publicKey()
    }

    func run() throws {
        if !force { try SealedFile.requireNew(output) }
        var plan = SealedSecret.Plan(ownerKey: try ownerKey())
        (plan.pcrs, plan.given, plan.bank) = (try numbers(), try values(), try chosenBank())
        let bytes = try SealedFile.secret(secret)
        let sealed = try SealedSecret(bytes, plan, TPMConnection(device.tpm))
        try SealedFile.write(sealed.commands.bytes, to: output, force: force)
        let notes =
            SealNotes.lines(
                pcrs: Set(plan.pcrs), given: Set(plan.given.keys), isOwn: !device.tpm.hasPrefix("swtpm:"))
            + SealNotes.lines(secret: bytes, counter: sealed.policy.counter)
        let report = sealed.report(output, notes: notes)
        if json { return print(try jsonText(report)) }
        print("\(output): \(report.bytes) bytes, SHA-384 \(report.sha384)")
        print("in the manifest: secret: \(report.secret)")
        print("sealed to the bank \(report.bank):")
        for number in sealed.policy.selection.numbers {
            let from =
                plan.given[number] != nil ? "given" : number == SealPolicy.authorityPCR ? "owner's key" : "read"
            print("  PCR \(number)  \(report.pcrs["\(number)"] ?? "")  (\(from))")
        }
        if let counter = sealed.policy.counter { print("  counter ≥ \(counter)") }
        if sealed.madeStorageKey { print("made the TPM's storage key at 81000001h") }
        for note in notes { Manage.fail("note: \(note)") }
    }
}
