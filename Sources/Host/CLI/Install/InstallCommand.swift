import ArgumentParser
import Foundation
import Installation
import Machines
import ManifestFile

/// The disk that a command is about.
struct DiskOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The disk, or a file that is the image of one.", valueName: "disk")) var disk: String

    func open(isWritable: Bool) throws -> SlotDisk { try SlotDisk(try SectorFile(disk, isWritable: isWritable)) }
}

/// What is to be put into a slot.
struct ContentOptions: ParsableArguments {
    @Option(help: "The manifest, as YAML.") var manifest: String
    @OptionGroup var images: ImageOptions

    func volume() throws -> BootVolumeImage {
        try refusing {
            try BootVolumeImage.compile(manifest, .current(), images: images.source(beside: manifest)).volume
        }
    }
}

/// `bulkhead install`: makes a disk that a machine boots from.
struct InstallCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "install", abstract: "Make a disk that boots, or install beside other systems.",
        discussion: """
            --disk makes a disk anew: a partition table (GPT) and two slots, so that an update has a place of its own and \
            the machine falls back to the old one. Everything on it is lost; it asks once, and refuses a disk that is \
            mounted, used, or has something else on it (--erase allows that). A USB stick made so boots any machine with \
            UEFI.

            --esp installs into the EFI system partition of another system, mounted as a folder: one slot, no fall-back but \
            the firmware's own, which starts the next boot entry when the hypervisor refuses. The firmware starts it once \
            (BootNext of efibootmgr); --default makes it the machine's first.

              bulkhead install --disk /dev/sdX --manifest machine.yaml --dry-run
              sudo bulkhead install --esp /boot/efi --manifest machine.yaml

            Not yet tried on silicon. Exit codes: 0 done, 1 refused or failed, 64 the command line is wrong.
            """)

    @Option(help: ArgumentHelp("The disk to make, or a file that is the image of one.", valueName: "disk"))
    var disk: String?
    @Option(help: ArgumentHelp("The folder where the EFI system partition is mounted.", valueName: "dir")) var esp:
        String?
    @OptionGroup var content: ContentOptions
    @Option(help: ArgumentHelp("systemd-boot's program (Debian: package systemd-boot-efi).", valueName: "file"))
    var bootManager = "/usr/lib/systemd/boot/efi/systemd-bootx64.efi"
    @Option(help: ArgumentHelp("Make the image of a disk of this size, if the file is not there.", valueName: "size"))
    var size: String?
    @Flag(help: "Overwrite a disk that has something else on it.") var erase = false
    @Flag(help: "With --esp: the firmware starts it always, not once.") var `default` = false
    @Flag(help: "Say what would be done, and do nothing.") var dryRun = false
    @Flag(help: "Do not ask.") var yes = false

    func validate() throws {
        guard (disk == nil) != (esp == nil) else { throw ValidationError("give either --disk or --esp") }
    }

    func run() throws {
        try Installing.run {
            let volume = try content.volume()
            if let esp { return try install(volume, into: esp) }
            guard let disk else { return }
            try Installing.requireBootManager(bootManager)
            if dryRun, !FileManager.default.fileExists(atPath: disk) {
                let size = try SlotDisk.size(for: SlotContent(volume)) >> 20
                return print(
                    "\(disk) would be made, the image of a disk of \(size) MiB. Nothing was changed (--dry-run).")
            }
            try makeImage(disk, SlotContent(volume))
            let facts = try DiskFacts(disk)
            if let obstacle = facts.obstacle { throw MachineError.impossible("\(facts.description): \(obstacle)") }
            if facts.isForeign, !erase {
                throw MachineError.impossible("\(facts.description); --erase overwrites it")
            }
            let words = "\(facts.description). All of it is replaced by a partition table and two slots"
            guard try Installing.agrees(words, dryRun: dryRun, yes: yes) else { return }
            let device = try SectorFile(disk, isWritable: true)
            try SlotDisk.create(on: device, SlotContent(volume), bootManager: URL(filePath: bootManager))
            print("\(disk): installed in slot a. Choose this disk in the firmware's boot menu.")
        }
    }

    private func makeImage(_ path: String, _ content: SlotContent) throws {
        guard !FileManager.default.fileExists(atPath: path), !dryRun else { return }
        let size = try size.map { try parseSize($0) } ?? (try SlotDisk.size(for: content))
        guard FileManager.default.createFile(atPath: path, contents: nil) else {
            throw MachineError.missing(file: path, hint: "it cannot be created")
        }
        try SectorFile.resize(path, to: size)
    }

    private func install(_ volume: BootVolumeImage, into esp: String) throws {
        let place = try SystemPartition(esp)
        let order =
            `default` ? "the firmware starts it first from now on" : "the firmware starts it once, at the next start"
        let words = "\(place.description): EFI/BULKHEAD and BULKHEAD are written; \(order)"
        guard try Installing.agrees(words, dryRun: dryRun, yes: yes) else { return }
        try place.install(volume)
        for note in try place.addBootEntry(isDefault: `default`) { print(note) }
        print("\(esp): installed. `bulkhead uninstall --esp \(esp)` removes it.")
    }
}

/// What the commands that install have in common.
enum Installing {
    static func run(_ body: () throws -> Void) throws {
        do { try body() } catch let error as MachineError {
            Manage.fail("\(error)")
            throw ExitCode(1)
        } catch let error as ValueError {
            Manage.fail(error.reason)
            throw ExitCode(1)
        }
    }

    static func requireBootManager(_ path: String) throws {
        guard FileManager.default.fileExists(atPath: path) else {
            throw MachineError.missing(
                file: path,
                hint: "install the package systemd-boot-efi, or name systemd-boot's program by --boot-manager")
        }
    }

    /// Whether the user wants what the words say: asks once, unless that is not wanted.
    static func agrees(_ words: String, dryRun: Bool, yes: Bool) throws -> Bool {
        print(words + ".")
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
        return false
    }
}
