import ArgumentParser
import Foundation
import Installation
import Keys
import Machines
import ManifestFile
import ManifestRules
import SignedImages

/// The slots that a command is about.
struct SlotOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The disk, or a file that is the image of one.", valueName: "disk")) var disk: String?
    @Option(help: ArgumentHelp("The folder where another system's EFI system partition is mounted.", valueName: "dir"))
    var esp: String?

    func validate() throws {
        guard (disk == nil) != (esp == nil) else { throw ValidationError("give either --disk or --esp") }
    }

    func open(isWritable: Bool) throws -> any SlotStore {
        if let esp { return SystemSlots(try SystemPartition(esp)) }
        return try SlotDisk(try DiskFacts.open(disk ?? "", isWritable: isWritable).0)
    }

    /// The disk's or folder's name, to begin a line with.
    var name: String { printable(disk ?? esp ?? "") }
}

/// A disk, or the EFI system partition of another system, and whether it is changed without a question.
struct PlaceOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The disk, or a file that is the image of one.", valueName: "disk")) var disk: String?
    @Option(help: ArgumentHelp("The folder where the EFI system partition is mounted.", valueName: "dir")) var esp:
        String?
    @Flag(help: "Say what would be done, and do nothing.") var dryRun = false
    @Flag(help: "Do not ask.") var yes = false

    func validate() throws {
        guard (disk == nil) != (esp == nil) else { throw ValidationError("give either --disk or --esp") }
    }

    /// Whether the user wants what the words say: asks once, unless that is not wanted. Only with --dry-run it is false.
    /// - Throws: exit code 1 when the user declines.
    func agrees(_ words: String) throws -> Bool {
        print(printable(words) + ".")
        if dryRun {
            print("Nothing was changed (--dry-run).")
            return false
        }
        if yes { return true }
        guard Terminal.isInteractive else {
            throw MachineError.impossible("nobody can be asked here; --yes means yes")
        }
        print("Type yes to go on: ", terminator: "")
        fflush(nil)
        if readLine() == "yes" { return true }
        print("Nothing was changed.")
        throw ExitCode(1)
    }
}

/// What is to be put into a slot.
struct ContentOptions: ParsableArguments {
    @Option(help: "The manifest, as YAML.") var manifest: String
    @OptionGroup var images: ImageOptions
    @Option(help: ArgumentHelp("Sign with the owner's keys in this folder.", valueName: "folder")) var keys: String?
    @OptionGroup var keyOptions: KeyOptions
    @Flag(help: "Put it in the place of a system that carries its owner's key, without one.") var unsigned = false

    func validate() throws {
        guard keys == nil || !unsigned else { throw ValidationError("give either --keys or --unsigned") }
    }

    /// - Parameter isDry: nothing is signed, which uses up signatures; what would be counts as signed.
    func slot(isDry: Bool) throws -> SlotContent {
        let workspace = try Workspace.current()
        let source = images.source(beside: manifest)
        let compiled = try refusing { try BootVolumeImage.compile(manifest, workspace, images: source) }
        var volume = compiled.volume
        for note in secretNotes(compiled.manifest, images: source) { Manage.fail("note: \(note)") }
        if let keys, !isDry {
            let signed = workspace.cache.appending(path: "signed")
            try volume.sign(with: KeyFolder(keys), try keyOptions.passphrase(), in: signed)
        }
        return SlotContent(volume, mayBeUnsigned: unsigned || keys != nil)
    }
}
