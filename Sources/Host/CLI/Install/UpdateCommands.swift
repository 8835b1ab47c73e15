import ArgumentParser
import Foundation
import Installation
import Machines
import ManifestFile
import ManifestRules

/// `bulkhead update`: puts a new system into the slot that is not in use.
struct UpdateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "update", abstract: "Write hypervisor, manifest and images into the other slot.",
        discussion: """
            The confirmed slot is not touched: a loss of power at any moment leaves a machine that boots. A slot that is still \
            being tried is replaced. The new slot is started at the next start, as often as --tries says; then the machine \
            falls back to the confirmed one, unless `bulkhead confirm` said in between that the new one is healthy. With --tries 0 \
            it never falls back by itself; what `rollback` and the next update count on is still the slot that was confirmed.

            Where a slot carries its owner's key, the new system must be signed too (--keys), unless --unsigned says otherwise.

            A disk's boot manager that is damaged is written anew. With --esp the firmware starts the new slot once, and then what is \
            confirmed again; this has to be said in a system that can change the firmware's boot entries.
            """)

    @OptionGroup var place: SlotOptions
    @OptionGroup var content: ContentOptions
    @Option(help: "How often a disk's new slot may be started before it is confirmed (default: 3); 0: always.")
    var tries: Int?
    @Option(help: ArgumentHelp("systemd-boot's program, if the disk's is damaged.", valueName: "file"))
    var bootManager = Installing.bootManager
    @Flag(help: "Say what would be done, and do nothing.") var dryRun = false

    func validate() throws {
        guard 0...99 ~= tries ?? 3 else { throw ValidationError("--tries takes 0 to 99") }
        guard tries == nil || place.esp == nil else {
            throw ValidationError("--tries goes with --disk: with --esp the firmware starts a new slot once")
        }
    }

    func run() throws {
        try Installing.run {
            let content = try content.slot(isDry: dryRun)
            let slots = try place.open(isWritable: !dryRun)
            let states = try slots.states(), tries = place.esp == nil ? tries ?? 3 : 1
            if states.changesOwner(to: content) {
                print("\(place.name): note: the new system carries another owner's key than what is there")
            }
            if dryRun {
                // As `update` does.
                try states.requireOwner(of: content)
                let words = "slot \(states.target.rawValue) would be written\(states.loss)"
                return print("\(place.name): \(words). Nothing was changed (--dry-run).")
            }
            let slot = try slots.update(
                content, tries: tries == 0 ? nil : tries, bootManager: URL(filePath: bootManager))
            let times = tries == 0 ? "" : tries == 1 ? ", once unless" : ", \(tries) times at the most unless"
            print(
                "\(place.name): written to slot \(slot.rawValue)\(states.loss), which is started next"
                    + (times.isEmpty ? "" : times + " `bulkhead confirm` says in between that it is healthy"))
        }
    }
}

/// `bulkhead confirm`: the slot that is started is healthy.
struct ConfirmCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "confirm", abstract: "Say that the slot in use is healthy: its starts are counted no more.",
        discussion: """
            Without --slot it is the one that is being tried. On its last start, and after the machine went back to the other \
            one, the disk does not tell which of them runs: then --slot must say it. A program that confirms by itself \
            should always name the slot that it is part of.

            Exit codes: 0 confirmed, or nothing was to be confirmed; 1 refused; 64 the command line is wrong.
            """)
    @OptionGroup var place: SlotOptions
    @Option(help: "a or b.") var slot: Slot?

    func run() throws {
        try Installing.run {
            let entry = try place.open(isWritable: true).confirm(slot), slot = entry.slot.rawValue
            print(
                "\(place.name): slot \(slot) "
                    + (entry.isConfirmed
                        ? "is confirmed"
                        : "is started without counting from now on. It has not been started yet: an update keeps the other slot "
                            + "until `bulkhead confirm --slot \(slot)` is said again, when it runs"))
        }
    }
}

/// `bulkhead rollback`: back to the other slot.
struct RollbackCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rollback", abstract: "Start the other slot from now on.",
        discussion: "With --esp, where neither slot is in the firmware's order of boot entries, it is started once.")
    @OptionGroup var place: SlotOptions

    func run() throws {
        try Installing.run {
            let slot = try place.open(isWritable: true).rollback()
            print("\(place.name): slot \(slot.rawValue) is started next")
        }
    }
}

/// `bulkhead status`: what the slots of a disk have.
struct StatusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Show the slots: what is in them, and which is started next.",
        discussion: """
            Exit codes: 0 the boot manager and every slot that is not empty are whole, and one of them is started (with --esp: is \
            confirmed); 1 one is damaged, none is, or there are none; 64 the command line is wrong.
            """)
    @OptionGroup var place: SlotOptions
    @Flag(help: "Print JSON.") var json = false

    func run() throws {
        try Installing.run {
            let slots = try place.open(isWritable: false)
            let states = try slots.states(), hasBootManager = try slots.hasBootManager()
            if json {
                print(try SlotReport(states, hasBootManager: hasBootManager).json)
            } else {
                if place.esp == nil { print(SlotReport.line(bootManager: hasBootManager)) }
                for state in states { print(SlotReport.line(state)) }
            }
            if !slots.isHealthy(states) || hasBootManager == false { throw ExitCode(1) }
        }
    }
}

/// `bulkhead uninstall`: takes away what `install` has put there.
struct UninstallCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "uninstall", abstract: "Remove what install has put on a disk or into an EFI system partition.",
        discussion: """
            From an EFI system partition the boot entry and the files are removed; other systems stay. From a disk the two \
            slots are removed; other partitions stay, and where there are none the partition table goes too, so that \
            nothing starts from it.

            Exit codes: 0 removed, 1 refused, declined or failed, 64 the command line is wrong.
            """)

    @OptionGroup var place: PlaceOptions

    func run() throws {
        try Installing.run {
            if let esp = place.esp {
                let system = try SystemPartition(esp)
                let words = "\(system.description): the boot entry, EFI/BULKHEAD and BULKHEAD are removed"
                guard try place.agrees(words) else { return }
                for note in try system.uninstall() { print(printable(note)) }
                return print("\(printable(esp)): removed")
            }
            guard let disk = place.disk else { return }
            let (device, facts) = try DiskFacts.open(disk, isWritable: !place.dryRun)
            let slots = try SlotDisk(device)
            let what =
                slots.hasOthers
                ? "Its two slots are removed, the other partitions stay" : "Its partition table is removed"
            guard try place.agrees("\(facts.description). \(what): Bulkhead starts from it no more") else { return }
            try slots.remove()
            print("\(printable(disk)): removed")
        }
    }
}

extension Slot: ExpressibleByArgument {}
