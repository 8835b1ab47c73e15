import ArgumentParser
import Foundation
import Keys
import Machines
import Reports
import SignedImages

/// `bulkhead reference`: what a machine that booted a volume can prove of itself.
struct ReferenceCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reference",
        abstract: "Compute what a TPM holds after a boot, from the owner's files.",
        discussion: """
            The hypervisor measures the owner's key and its own version into PCR 11 of the machine's TPM, the manifest and \
            every image into PCR 12. This computes the same values (banks SHA-256 and SHA-384) from a boot volume; \
            `tpm2_pcrread sha256:11,12` prints the machine's. They mean what Secure Boot's PCR 7, or the program's PCR 4, is \
            worth: Documentation/trust.md.

            With --keys each object is verified first, and the key is the owner's; without, it is the one that the volume's \
            program carries.

            Exit codes: 0 done, 1 the volume is not the owner's or cannot be read, 64 the command line is wrong.
            """)

    @Argument(help: "The volume: a disk image or a folder.") var volume: String
    @Option(help: ArgumentHelp("The owner's keys; the private parts are not needed.", valueName: "folder"))
    var keys: String?
    @Option(help: ArgumentHelp("The hypervisor's version (default: this tool's).", valueName: "version"))
    var release = Bulkhead.configuration.version
    @Flag(help: "Print JSON.") var json = false

    func run() throws {
        let reader = try VolumeReader(URL(filePath: volume))
        var key = try reader.read("EFI/BOOT/BOOTX64.EFI").flatMap { OwnerSection.key(in: $0) }
        if let keys {
            let folder = KeyFolder(keys)
            let check = try BootVolumeCheck(reader, folder, program: (try? Workspace.current())?.hypervisor)
            if let bad = check.objects.first(where: { !$0.isGood && $0.isChecked }) {
                Manage.fail("\(bad.name): \(bad.words)")
                throw ExitCode(1)
            }
            key = try folder.publicKey()
        }
        let expected = try ExpectedMeasurements(reader, key: key, version: release)
        if json {
            print(try jsonText(expected))
            return
        }
        for event in expected.events { print("PCR \(event.pcr)  \(event.object)  \(event.name)  \(event.sha256)") }
        for (bank, values) in expected.pcrs.sorted(by: { $0.key < $1.key }) {
            print("\n\(bank):")
            for (pcr, value) in values.sorted(by: { $0.key < $1.key }) { print("  \(pcr): 0x\(value.uppercased())") }
        }
    }
}
