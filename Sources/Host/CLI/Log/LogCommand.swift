import ArgumentParser
import ControlClient
import Foundation
import Installation
import ManifestRules
import Reports

/// `bulkhead log`: why a machine did not start, or what has happened on one that did.
struct LogCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "log", abstract: "Show why a machine did not start, or what happens on one that runs.",
        discussion: """
            A start that is refused leaves its lines in boot.log on the boot volume. Put the disk into another machine, or \
            start another system of the same one:

              bulkhead log --esp /boot/efi            beside another system, of both slots
              bulkhead log --disk /dev/sdb            of a disk with two slots
              bulkhead log --volume boot.img --json   of a stick's image or of a folder
              bulkhead log --esp /boot/efi --last 1   the latest start alone

            A start that succeeds writes nothing there. Of a machine that runs, when it and its guests started and why the \
            others do not run is shown, with --lines what the hypervisor itself has said, and with --follow what happens from \
            then on:

              bulkhead log --lines
              bulkhead log --follow
              bulkhead log --machine-socket /dev/ttyUSB0 --for 60

            An event is told once: with --follow those come first that nobody has read yet. What others have read is known \
            as far as it has left a state. Exit codes: 0 something was shown; 1 no start was refused, or the machine refused; 2 the disk or volume, \
            or one of its files, cannot be read (the others are shown); 3 the machine cannot be reached; 64 the command line is wrong.
            """)

    @Option(help: ArgumentHelp("The disk, or a file that is the image of one.", valueName: "disk")) var disk: String?
    @Option(help: ArgumentHelp("The folder where the EFI system partition is mounted.", valueName: "dir"))
    var esp: String?
    @Option(help: ArgumentHelp("A boot volume without slots.", valueName: "image|folder")) var volume: String?
    @Option(help: ArgumentHelp("Only the latest starts, of each slot.", valueName: "count")) var last: Int?
    @OptionGroup var machine: MachineOptions
    @Flag(help: "First what the hypervisor has said since it was started, the latest 12 KiB.") var lines = false
    @Flag(help: "Go on with what happens.") var follow = false
    @Option(name: .customLong("for"), help: ArgumentHelp("Follow for so many seconds.", valueName: "seconds"))
    var seconds: Double?
    @Flag(help: "Print JSON: a list of files, or of a machine one object a line.") var json = false

    private var places: [String] { [disk, esp, volume].compactMap { $0 } }

    func validate() throws {
        guard !places.contains("") else { throw ValidationError("a disk, folder or volume has no name") }
        guard places.count <= 1 else { throw ValidationError("give one of --disk, --esp and --volume") }
        if places.isEmpty {
            guard last == nil else { throw ValidationError("--last goes with --disk, --esp or --volume") }
        } else if lines || follow || seconds != nil || machine.machineSocket != nil {
            throw ValidationError("--lines, --follow, --for and --machine-socket are for a machine that runs")
        }
        guard last ?? 1 > 0 else { throw ValidationError("--last is 1 or more") }
        if let seconds, !(0...86400).contains(seconds) { throw ValidationError("--for takes 0 to 86400 seconds.") }
    }

    func run() throws {
        guard let place = places.first else { return try Manage.run(running) }
        let logs: BootLogs
        do {
            logs =
                try disk.map { try BootLogs(SlotDisk(DiskFacts.open($0, isWritable: false).0)) }
                ?? BootLogs(volume: place)
        } catch {
            Manage.fail("\(error)")
            throw ExitCode(2)
        }
        let reports = logs.found.map {
            BootLogReport(slot: $0.slot?.rawValue, file: $0.path, $0.content, last: last)
        }.filter { !$0.isEmpty }
        if json {
            print(try jsonText(reports))
        } else if !reports.isEmpty {
            print(reports.map(\.text).joined(separator: "\n\n"))
        }
        for problem in logs.problems { Manage.fail(problem) }
        guard logs.problems.isEmpty else { throw ExitCode(2) }
        guard reports.isEmpty else { return }
        Manage.fail("\(place) has no lines of a refused start")
        throw ExitCode(1)
    }

    private func running() throws {
        let client = try machine.connect(), follows = follow || seconds != nil
        // First: between the states and the events nothing is lost.
        if follows { try client.subscribe() }
        if lines {
            for line in try client.log() {
                Terminal.write((json ? try jsonText(["line": line], pretty: false) : printable(line)) + "\n")
            }
        }
        let hello = try client.hello(), began = EventsCommand.began(hello), partitions = try client.list()
        Terminal.write(
            (json
                ? try jsonText(MachineListing(hello, partitions), pretty: false)
                : PresentReport(hello, partitions, began: began).text) + "\n")
        if follows { try EventsCommand.follow(client, began: began, seconds: seconds, json: json) }
    }
}
