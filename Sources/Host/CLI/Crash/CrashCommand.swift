import ArgumentParser
import CrashReports
import Foundation
import ManifestFile

/// `bulkhead crash`: what is left of crashes.
struct CrashCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "crash", abstract: "Show what the hypervisor recorded when it or a guest crashed.",
        subcommands: [CrashShow.self])
}

struct CrashShow: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Print crash records.",
        discussion: """
            When a guest crashes, or the hypervisor faults below it, the core writes a record: who, where, the registers, \
            the latest exits. It lies in memory that a warm reset leaves alone (a power cut does not). At the next start \
            the hypervisor says "crash record found" on its log and puts the record behind those in \\BULKHEAD\\crash.bin \
            on the boot volume; at 256 KiB the file is begun anew.

            From the volume, as a mounted folder or as an image:

              bulkhead crash show --volume /boot/efi
              bulkhead crash show --volume boot.img --json

            From a machine's memory, before any restart; a file with raw bytes, as QEMU's pmemsave writes it:

              (qemu) pmemsave 0x100000 0x100000 memory.bin
              bulkhead crash show --memory memory.bin --symbols symbols.bin

            Places in the hypervisor get their function's name from \\BULKHEAD\\symbols.bin of the same volume, when it is \
            the one of the build that crashed. A record has the guest's registers, and so may have its secrets: handle it \
            as you would the guest's memory.

            Exit codes: 0 records are shown, 1 there are none, 2 the volume or file cannot be read, 64 the command line \
            is wrong.
            """)

    @Option(help: ArgumentHelp("The boot volume.", valueName: "image|folder")) var volume: String?
    @Option(help: ArgumentHelp("A dump of physical memory.", valueName: "file")) var memory: String?
    @Option(help: ArgumentHelp("The functions' names. Default: symbols.bin of the volume.", valueName: "file"))
    var symbols: String?
    @Option(help: ArgumentHelp("Only the latest records.", valueName: "count")) var last: Int?
    @Flag(help: "Print JSON.") var json = false

    func validate() throws {
        guard (volume == nil) != (memory == nil) else { throw ValidationError("give either --volume or --memory") }
        guard last ?? 1 > 0 else { throw ValidationError("--last is 1 or more") }
    }

    func run() throws {
        let found: CrashFile
        do {
            if let volume {
                found = try CrashFile(volume: volume, symbols: symbols)
            } else {
                found = try CrashFile(memory: memory ?? "", symbols: symbols)
            }
        } catch {
            Manage.fail("\(error)")
            throw ExitCode(2)
        }
        let reports = found.records.suffix(last ?? .max).map { CrashReport($0, found.symbols) }
        if json {
            print(try jsonText(reports))
        } else {
            for (index, report) in reports.enumerated() { print((index == 0 ? "" : "\n") + report.text) }
        }
        if found.damaged > 0 { Manage.fail("\(found.damaged) damaged records are left out") }
        guard reports.isEmpty else { return }
        if found.damaged > 0 { throw ExitCode(2) }
        Manage.fail("no crash records")
        throw ExitCode(1)
    }
}
