import ArgumentParser
import Inventory

struct DoctorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Say whether Bulkhead runs on a machine, and which setting to change where it does not.",
        discussion: """
            Run it in Linux on the machine, as root: the hypervisor's own parsers and rules read the firmware's tables, \
            so that the boot says nothing new. Each requirement is a line: ✓ met, ✗ the hypervisor does not start, ! it \
            starts with a limit, ? cannot be told (mostly: run it as root). Behind → is what to change.

              sudo bulkhead doctor
              bulkhead doctor --root recorded-machine

            A recorded machine is a folder with copies of /sys and /proc; Documentation/inventory.md says which files. Exit \
            codes: 0 the hypervisor runs there, 1 it does not, 2 that cannot be told, 64 the command line is wrong.
            """)

    @Option(help: ArgumentHelp("Read the folders sys and proc of this folder.", valueName: "dir")) var root = "/"
    @Flag(help: "Ask the running machine instead of Linux.") var link = false
    @OptionGroup var machine: MachineOptions
    @Flag(help: "Print JSON.") var json = false

    func run() throws {
        try Manage.run {
            let isRemote = link || machine.machineSocket != nil
            let doctor = isRemote ? Doctor(running: try Inventory(try machine.connect())) : Doctor(linux: root)
            print(json ? try doctor.diagnosis.json : doctor.diagnosis.text, terminator: json ? "\n" : "")
            switch doctor.diagnosis.runs {
            case .some(true): break
            case .some(false): throw ExitCode(1)
            case .none: throw ExitCode(2)
            }
        }
    }
}
