import ArgumentParser
import ControlClient
import Foundation
import Inventory
import Machines
import Manifest
import ManifestFile

/// `bulkhead measure`: what a neighbour's storm does to a real-time partition's wake-ups, as one report that can be sent in.
struct MeasureCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "measure",
        abstract: "Measure what a neighbour does to a partition, as one report.",
        discussion: """
            Measures a running machine whose manifest has two partitions with our guests, as Examples/measure.yaml has: `measured` runs \
            cyclictest, first alone and then beside a storm of memory in `pair`. With --report the run is added to a file: boot \
            once with parts of caches and keys in the manifest and once without, and the file has both. --emulated boots an emulated machine for \
            it: everything is gone through, and its numbers mean nothing. Documentation/measuring.md says how to read it.
            """)

    @OptionGroup var machine: MachineOptions
    @Flag(help: "Boot an emulated machine with Examples/measure.yaml. Its numbers mean nothing.") var emulated = false
    @Option(help: ArgumentHelp("Seconds of each window; for figures to be published, 3600.", valueName: "seconds"))
    var seconds = 60
    @Option(help: "What this run is called in the report: masks, no masks, keys ...") var label = "run"
    @Option(help: ArgumentHelp("Add the run to this report, a file of JSON.", valueName: "file")) var report: String?
    @Option(
        help: ArgumentHelp(
            "The manifest that the machine has booted: the report has what it asks for. With --emulated it is known.",
            valueName: "file")) var manifest: String?
    @Option(help: ArgumentHelp("What else is to be known: firmware's version, microcode.", valueName: "text"))
    var about: String?
    @Flag(help: "Print JSON.") var json = false

    func validate() throws {
        guard (4...86400).contains(seconds) else { throw ValidationError("--seconds takes a number from 4 to 86400") }
        guard !emulated || machine.machineSocket == nil else {
            throw ValidationError("--emulated and --machine-socket exclude each other")
        }
        guard !emulated || manifest == nil else { throw ValidationError("--emulated has a manifest of its own") }
    }

    func run() throws {
        // What is there already is read first: an hour's run is not lost to a file that cannot be added to.
        var all = try report.map { try MeasureReport(addingTo: $0) } ?? MeasureReport()
        func say(_ text: String) { FileHandle.standardError.write(Data("\(text)\n".utf8)) }
        if emulated {
            let workspace = try Workspace.current(), signals = DemoCommand.endOnSignal()
            defer { signals.forEach { $0.cancel() } }
            say("booting an emulated machine with Examples/measure.yaml")
            let path = workspace.root.appending(path: "Examples/measure.yaml").path
            let testbed = try Testbed(manifest: path, workspace, name: "measure")
            defer { testbed.stop() }
            var session = MeasureSession(testbed.watch.client, seconds: seconds, isEmulated: true, progress: say)
            (session.manifest, session.about) = (try readManifest(path, images: .unchecked), about)
            all.runs.append(try session.run(label))
        } else {
            let booted = try refusing { try manifest.map { try readManifest($0, images: .unchecked) } }
            try Manage.run {
                var session = MeasureSession(
                    try machine.connect(), seconds: seconds, isEmulated: false, progress: say)
                (session.manifest, session.about) = (booted, about)
                all.runs.append(try session.run(label))
            }
        }
        if let report { try all.write(to: report) }
        print(json ? try all.json() : all.text)
    }
}
