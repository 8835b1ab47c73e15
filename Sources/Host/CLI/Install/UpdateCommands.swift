import ArgumentParser
import Foundation
import Installation
import Machines

/// `bulkhead update`: puts a new system into the slot that is not in use.
struct UpdateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "update", abstract: "Write hypervisor, manifest and images into the other slot of a disk.",
        discussion: """
            The slot in use is not touched: a loss of power at any moment leaves a machine that boots. The new slot is \
            started at the next start, as often as --tries says; then the machine falls back to the old one, unless \
            `bulkhead confirm` said in between that it is healthy.
            """)

    @OptionGroup var place: DiskOptions
    @OptionGroup var content: ContentOptions
    @Option(help: "How often the new slot may be started before it is confirmed; 0: confirmed at once.") var tries = 3
    @Flag(help: "Say what would be done, and do nothing.") var dryRun = false

    func validate() throws {
        guard 0...99 ~= tries else { throw ValidationError("--tries takes 0 to 99") }
    }

    func run() throws {
        try Installing.run {
            let content = SlotContent(try content.volume())
            let disk = try place.open(isWritable: !dryRun)
            if dryRun {
                let next = try disk.states().first { $0.isNext }?.slot.other ?? .a
                return print("\(place.disk): slot \(next.rawValue) would be written. Nothing was changed (--dry-run).")
            }
            let slot = try disk.update(content, tries: tries == 0 ? nil : tries)
            print(
                "\(place.disk): written to slot \(slot.rawValue), which is started next"
                    + (tries == 0 ? "" : ", \(tries) times at the most until `bulkhead confirm`"))
        }
    }
}

/// `bulkhead confirm`: the slot that is started is healthy.
struct ConfirmCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "confirm", abstract: "Say that the slot in use is healthy: its starts are counted no more.",
        discussion: """
            Without --slot it is the one that is being tried. A program that confirms by itself should name the slot that it \
            is part of: after a fall-back the one being tried is the other one.
            """)
    @OptionGroup var place: DiskOptions
    @Option(help: "a or b.") var slot: Slot?

    func run() throws {
        try Installing.run {
            let slot = try place.open(isWritable: true).confirm(slot)
            print("\(place.disk): slot \(slot.rawValue) is confirmed")
        }
    }
}

/// `bulkhead rollback`: back to the other slot.
struct RollbackCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rollback", abstract: "Start the other slot of a disk from now on.")
    @OptionGroup var place: DiskOptions

    func run() throws {
        try Installing.run {
            let slot = try place.open(isWritable: true).rollback()
            print("\(place.disk): slot \(slot.rawValue) is started next")
        }
    }
}

/// `bulkhead status`: what the slots of a disk have.
struct StatusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Show the slots of a disk: what is in them, and which is started next.")
    @OptionGroup var place: DiskOptions
    @Flag(help: "Print JSON.") var json = false

    func run() throws {
        try Installing.run {
            let states = try place.open(isWritable: false).states()
            if json { return print(try SlotReport(states).json) }
            for state in states { print(SlotReport.line(state)) }
        }
    }
}

/// `bulkhead uninstall`: takes away what `install` has put there.
struct UninstallCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "uninstall", abstract: "Remove what install has put on a disk or into an EFI system partition.",
        discussion: """
            From an EFI system partition the files and the boot entry are removed; other systems stay. From a disk the \
            partition table is removed, so that nothing starts from it.
            """)

    @OptionGroup var place: PlaceOptions

    func run() throws {
        try Installing.run {
            if let esp = place.esp {
                let system = try SystemPartition(esp)
                let words = "\(system.description): EFI/BULKHEAD, BULKHEAD and the boot entry are removed"
                guard try place.agrees(words) else { return }
                for note in try system.uninstall() { print(note) }
                return print("\(esp): removed")
            }
            guard let disk = place.disk else { return }
            let facts = try DiskFacts(disk)
            if let obstacle = facts.obstacle { throw MachineError.impossible("\(facts.description): \(obstacle)") }
            let slots = try SlotDisk(try SectorFile(disk, isWritable: false))
            let words = "\(facts.description). Its partition table is removed: nothing starts from it any more"
            guard try place.agrees(words) else { return }
            try slots.erase(try SectorFile(disk, isWritable: true))
            print("\(disk): removed")
        }
    }
}

extension Slot: ExpressibleByArgument {}
