import ArgumentParser
import Foundation
import Keys
import Machines
import ManifestFile
import SignedImages

/// `bulkhead image`: what a machine boots from.
struct ImageCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "image", abstract: "Make a boot volume, or verify one.",
        subcommands: [ImageMake.self, ImageVerify.self], defaultSubcommand: ImageMake.self)
}

struct ImageMake: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "make", abstract: "Make a boot volume: a disk image, or a folder for a real EFI partition.",
        discussion: """
            With --folder /boot/efi the hypervisor becomes EFI/BOOT/BOOTX64.EFI of that file system, which firmware \
            starts from a removable disk; the manifest and the images go to BULKHEAD. Not yet tried on silicon.

            With --keys the manifest, which names each image by its digest, is signed, and the hypervisor carries the owner's \
            public key: it starts nothing else. Documentation/trust.md tells the rest.
            """)

    @Option(help: "The manifest, as YAML (default: the demo's).") var manifest: String?
    @OptionGroup var images: ImageOptions
    @Option(help: "Write a FAT disk image to this file.") var output: String?
    @Option(help: "Copy the files into this folder.") var folder: String?
    @Option(help: ArgumentHelp("Sign with the owner's keys in this folder.", valueName: "folder")) var keys: String?
    @OptionGroup var keyOptions: KeyOptions
    @Flag(help: "With --folder: in the place of a system that carries its owner's key too.") var unsigned = false

    func validate() throws {
        guard keys == nil || !unsigned else { throw ValidationError("give either --keys or --unsigned") }
        guard (output == nil) != (folder == nil) else { throw ValidationError("give either --output or --folder") }
    }

    func run() throws {
        let workspace = try Workspace.current()
        let file = manifest ?? workspace.demoManifest
        var (manifest, volume) = try refusing {
            try BootVolumeImage.compile(file, workspace, images: images.source(beside: file))
        }
        for note in secretNotes(manifest, images: images.source(beside: file)) { Manage.fail("note: \(note)") }
        if let keys {
            let signed = workspace.cache.appending(path: "signed")
            try volume.sign(with: KeyFolder(keys), try keyOptions.passphrase(), in: signed)
        }
        if let folder {
            let target = URL(filePath: folder, directoryHint: .isDirectory)
            try volume.writeFolder(target, mayBeUnsigned: unsigned)
            print("machine \(manifest.name.string): written to \(target.path)")
        } else if let output {
            let written = try volume.writeImage(to: URL(filePath: output))
            print("machine \(manifest.name.string): \(output) \(written ? "written" : "is up to date")")
        }
    }
}
