import ArgumentParser
import Foundation
import Keys
import Machines
import ManifestRules
import Reports
import SignedImages

/// `bulkhead reference`: what a machine that booted a volume can prove of itself.
struct ReferenceCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reference",
        abstract: "Compute what a TPM holds after a boot, from the owner's files.",
        discussion: """
            The hypervisor measures the owner's key into PCR 11 of the machine's TPM, its own version, the manifest and every image into \
            PCR 12. This computes the same values (banks SHA-256 and SHA-384) from a boot volume; \
            `tpm2_pcrread sha256:11,12` prints the machine's. They mean what Secure Boot's PCR 7, or the program's PCR 4, is \
            worth: Documentation/trust.md.

            With --keys each object is verified first as by `bulkhead image verify`, the key is the owner's, and what is measured is \
            what the owner has signed. Without, nothing is verified, and the key is the one that the volume's program carries. A file that \
            the machine does not read (none, an empty one, an image above 1 GiB) is refused.

            Exit codes: 0 done; 1 the volume is not the owner's or cannot be read, or with --keys its program was not checked, which \
            is said (the values are printed all the same); 64 the command line is wrong.
            """)

    @Argument(help: "The volume: a disk image or a folder.") var volume: String
    @Option(help: ArgumentHelp("The owner's keys; the private parts are not needed.", valueName: "folder"))
    var keys: String?
    @Option(
        help: ArgumentHelp(
            "With --keys without Secure Boot's: the BULKHEAD.EFI that it should be (default: the checkout's).",
            valueName: "file"))
    var program: String?
    @Option(help: ArgumentHelp("The hypervisor's version (default: this tool's).", valueName: "version"))
    var release = HypervisorVersion.text
    @Flag(help: "Print JSON.") var json = false

    func validate() throws {
        guard keys != nil || program == nil else { throw ValidationError("--program goes with --keys") }
    }

    func run() throws {
        let reference = try OwnersReference(volume, keys: keys, program: program, release: release)
        try show(reference.expected)
        for object in reference.unchecked { Manage.fail("note: \(object.name): \(object.words)") }
        if !reference.unchecked.isEmpty { throw ExitCode(1) }
    }

    private func show(_ expected: ExpectedMeasurements) throws {
        if json { return print(try jsonText(expected)) }
        for event in expected.events {
            print(printable("PCR \(event.pcr)  \(event.object)  \(event.name)  \(event.sha256)"))
        }
        for (bank, values) in expected.pcrs.sorted(by: { $0.key < $1.key }) {
            print("\n\(bank):")
            for (pcr, value) in values.sorted(by: { $0.key < $1.key }) {
                print("  \(pcr): 0x\(value.uppercased())")
            }
        }
    }
}
