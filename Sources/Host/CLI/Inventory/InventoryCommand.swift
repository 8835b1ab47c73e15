import ArgumentParser
import Inventory

struct InventoryCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inventory",
        abstract: "Print what a machine has, so that a manifest can be written from facts.",
        discussion: """
            Cores with their topology, caches, memory, PCI functions with isolation groups, IOMMUs, and what the \
            processor can encrypt and allocate. Run it in Linux on the machine (as root it says more), or ask a running \
            hypervisor what it found at boot:

              sudo bulkhead inventory --json > machine.json
              bulkhead inventory --link
              bulkhead inventory --machine-socket /dev/ttyUSB0 --json

            `bulkhead plan machine.json ...` makes a manifest out of it. Documentation/inventory.md has every key.
            """)

    @Flag(help: "Ask the running machine instead of Linux.") var link = false
    @OptionGroup var machine: MachineOptions
    @Option(
        help: ArgumentHelp(
            "Read the folders sys and proc of this folder, as they were recorded on another machine.",
            valueName: "dir"))
    var root = "/"
    @Flag(help: "Print JSON.") var json = false

    func run() throws {
        try Manage.run {
            let isRemote = link || machine.machineSocket != nil
            let doctor = isRemote ? Doctor(running: try Inventory(try machine.connect())) : Doctor(linux: root)
            let inventory = doctor.inventory
            guard !inventory.cores.isEmpty else {
                throw ManageError.unexpected("\(isRemote ? "the machine" : root) lists no cores")
            }
            if json { return print(try inventory.json) }
            print(doctor.diagnosis.sentence + "; `bulkhead doctor` has the details")
            print(inventory.text, terminator: "")
        }
    }
}
