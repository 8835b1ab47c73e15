import ArgumentParser
import Foundation
import Machines

/// `bulkhead image`: what a machine boots from.
struct ImageCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "image", abstract: "Make a boot volume: a disk image, or a folder for a real EFI partition.",
        discussion: """
            With --folder /boot/efi the hypervisor becomes EFI/BOOT/BOOTX64.EFI of that file system, which firmware \
            starts from a removable disk; the manifest and the images go to BULKHEAD. Not yet tried on silicon.
            """)

    @Option(help: "The manifest, as YAML (default: the demo's).") var manifest: String?
    @OptionGroup var images: ImageOptions
    @Option(help: "Write a FAT disk image to this file.") var output: String?
    @Option(help: "Copy the files into this folder.") var folder: String?

    func validate() throws {
        guard (output == nil) != (folder == nil) else { throw ValidationError("give either --output or --folder") }
    }

    func run() throws {
        let workspace = try Workspace.current()
        let file = manifest ?? workspace.demoManifest
        let (manifest, volume) = try refusing {
            try BootVolumeImage.compile(file, workspace, images: images.source(beside: file))
        }
        if let folder {
            let target = URL(filePath: folder, directoryHint: .isDirectory)
            try volume.writeFolder(target)
            print("machine \(manifest.name.string): written to \(target.path)")
        } else if let output {
            let written = try volume.writeImage(to: URL(filePath: output))
            print("machine \(manifest.name.string): \(output) \(written ? "written" : "is up to date")")
        }
    }
}
