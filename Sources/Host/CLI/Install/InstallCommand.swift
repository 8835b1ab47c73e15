import ArgumentParser
import Foundation
import Installation
import Machines
import ManifestFile
import ManifestRules

/// `bulkhead install`: makes a disk that a machine boots from.
struct InstallCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "install", abstract: "Make a disk that boots, or install beside other systems.",
        discussion: """
            --disk makes a disk anew: a partition table (GPT) and two slots, so that an update has a place of its own and \
            the machine falls back to the old one. Everything on it is lost; it asks once, and refuses a disk that is \
            mounted, used, or has something else on it (--erase allows that). A USB stick made so boots any machine with \
            UEFI.

            --esp installs into the EFI system partition of another system, mounted as a folder: two slots too, each with a boot \
            entry of the firmware's. It is started once (BootNext of efibootmgr), then the other system again; --default makes it \
            the machine's first. An update is started once, and stays if it is confirmed.

              bulkhead install --disk /dev/sdX --manifest machine.yaml --dry-run
              sudo bulkhead install --esp /boot/efi --manifest machine.yaml

            With --keys the manifest is signed, and the hypervisor carries the owner's public key: it starts nothing else. A \
            disk whose slots carry a key is not overwritten by a system without one, unless --unsigned says so.

            Not yet tried on silicon. Exit codes: 0 done, 1 refused, declined or failed, 64 the command line is wrong.
            """)

    @OptionGroup var place: PlaceOptions
    @OptionGroup var content: ContentOptions
    @Option(help: ArgumentHelp("systemd-boot's program (Debian: package systemd-boot-efi).", valueName: "file"))
    var bootManager = Installing.bootManager
    @Option(help: ArgumentHelp("Make the image of a disk of this size, if the file is not there.", valueName: "size"))
    var size: String?
    @Flag(help: "Overwrite a disk that has something else on it.") var erase = false
    @Flag(help: "With --esp: the firmware starts it always, not once.") var `default` = false
    func run() throws {
        try Installing.run {
            if place.esp == nil { try Installing.requireBootManager(bootManager) }
            let content = try content.slot(isDry: place.dryRun)
            if let esp = place.esp { return try install(content, into: esp) }
            guard let disk = place.disk else { return }
            try install(content, on: disk)
        }
    }

    private func install(_ content: SlotContent, on disk: String) throws {
        if FileManager.default.fileExists(atPath: disk) {
            let (device, facts) = try DiskFacts.open(disk, isWritable: !place.dryRun)
            if facts.isForeign, !erase {
                throw MachineError.impossible("\(facts.description); --erase overwrites it")
            }
            try SlotDisk.requireOwner(on: device, of: content)
            let words = "\(facts.description). All of it is replaced by a partition table and two slots"
            guard try place.agrees(words) else { return }
            try make(disk, device, content)
        } else {
            let size = try size.map { try parseSize($0) } ?? (try SlotDisk.size(for: content))
            try SafeFile.requirePlace(URL(filePath: disk))
            guard try place.agrees("\(disk) is made, the image of a disk of \(size >> 20) MiB") else { return }
            let device = try SectorFile(new: disk, size: size)
            do { try make(disk, device, content) } catch {
                try? FileManager.default.removeItem(atPath: disk)
                throw error
            }
        }
    }

    private func make(_ disk: String, _ device: SectorFile, _ content: SlotContent) throws {
        // Of a disk that is there the owner was asked for before the user was; a new image has none.
        try SlotDisk.create(on: device, content, bootManager: URL(filePath: bootManager), ownerIsChecked: true)
        print("\(printable(disk)): installed in slot a. Choose this disk in the firmware's boot menu.")
    }

    private func install(_ content: SlotContent, into esp: String) throws {
        let slots = SystemSlots(try SystemPartition(esp))
        let order =
            `default` ? "the firmware starts it first from now on" : "the firmware starts it once, at the next start"
        let words = "\(slots.system.description): slot a is written, in EFI/BULKHEAD and BULKHEAD; \(order)"
        guard try place.agrees(words) else { return }
        for note in try slots.install(content, isDefault: `default`) { print(printable(note)) }
        print(printable("\(esp): installed in slot a. `bulkhead uninstall --esp \(esp)` removes it."))
    }
}

/// What the commands that install have in common.
enum Installing {
    /// Where Debian's package has it.
    static let bootManager = "/usr/lib/systemd/boot/efi/systemd-bootx64.efi"

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
}
