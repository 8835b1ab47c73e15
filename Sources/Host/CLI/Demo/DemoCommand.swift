import ArgumentParser
import Foundation
import Machines
import Manifest
import ManifestFile
import ManifestRules
import Reports
import SealedPair

/// `bulkhead demo`: an emulated machine from power-on to guests, shown live or measured unattended.
struct DemoCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo", abstract: "Boot an emulated machine into its partitions and show them.",
        discussion: """
            On a terminal, a live screen shows the partitions and their consoles. While it runs, other commands (ps, \
            stop, console, ...) reach the same machine. The machine ends with the command.

            Examples, each a manifest of Examples/ with guests and devices of its own (--example NAME):

            """ + Example.list + """


                With --disk FILE the machine has an NVMe controller with that file as its disk, as function 00:10.0, and an IOMMU; \
                a partition owns it by `devices: [{pci: "00:10.0"}]`. What the partition writes is in the file.

                With --headless, an example ends with status 0 once all of it was seen, and with 1 when something was not; with \
                --stay its machine stays on, for clients of your own.
                """)

    @Option(help: "The manifest, as YAML (default: Examples/demo.yaml).") var manifest: String?
    @Option(help: ArgumentHelp("Show this example instead: \(Example.names).", valueName: "name")) var example: String?
    @OptionGroup var images: ImageOptions
    @Option(help: "Attach to this partition's console at once.") var console: String?
    @Flag(help: "No screen: run unattended, print what happens.") var headless = false
    @Option(
        name: .customLong("for"),
        help: "How long to run unattended, e.g. 90s or 2m (default: 60s; intel: 30m; an example: 10m at most).")
    var duration: String?
    @Flag(help: "With --headless: leave an example's machine on once all was seen, until Ctrl-C or --for.")
    var stay = false
    @Option(help: "Write what was measured to this file, as JSON.") var report: String?
    @Option(
        name: .customLong("disk"),
        help: ArgumentHelp(
            "A disk of the machine's, which is written to; repeat it for 00:11.0 and so on.", valueName: "file"))
    var disks: [String] = []
    @Option(help: "The emulated machine: amd (QEMU, SVM) or intel (Bochs, VMX; slow).") var machine = MachineKind.amd

    func validate() throws {
        guard let seconds = limit, (1...86400).contains(seconds) else {
            throw ValidationError("--for takes a time such as 60s, 2m or 1h, at most 24h")
        }
        if headless, console != nil { throw ValidationError("--console needs the screen that --headless goes without") }
        if machine != .amd, !disks.isEmpty {
            throw ValidationError("--disk is for the emulated amd machine: Bochs has no NVMe controller")
        }
        guard let example else {
            if stay {
                throw ValidationError("--stay is for examples; without one, --for says how long the machine runs")
            }
            return
        }
        guard Example.named(example) != nil else {
            throw ValidationError("there is no example \(printable(example)); there are: \(Example.names)")
        }
        if manifest != nil { throw ValidationError("--example has a manifest of its own; leave --manifest out") }
        if !disks.isEmpty { throw ValidationError("--example has devices of its own; leave --disk out") }
        if machine != .amd {
            throw ValidationError("examples run on the emulated amd machine alone")
        }
    }

    /// Seconds to run unattended; nil when what was given is no time.
    private var limit: Int? {
        duration.map(Quantity.seconds) ?? (example == nil ? Int(60 * machine.slowness) : 600)
    }

    func run() throws {
        let workspace = try Workspace.current()
        let signals = Self.endOnSignal()
        defer { signals.forEach { $0.cancel() } }
        let unattended = headless || !Terminal.isInteractive
        if let example = example.flatMap(Example.named) {
            return try PrivateFolder.with { try show(example, in: $0, workspace, unattended: unattended) }
        }
        let file = manifest ?? workspace.demoManifest
        let source = images.source(beside: file)
        try checkOptions(try refusing { try readManifest(file, images: .unchecked) })
        let disks = try EmulatedDisks(disks)
        let demo = try Testbed(
            manifest: file, workspace, kind: machine, name: "demo", iommu: disks.iommu, extra: disks.arguments,
            images: source, progress: Self.tell)
        defer { demo.stop() }
        let machines = DemoMachines(demo)
        var problems: [String] = []
        do {
            if unattended {
                try machines.explaining { try DemoUnattended(demo, seconds: limit ?? 60).run() }
            } else {
                try DemoScreen(machines, attach: console).run()
            }
        } catch { problems.append("\(error)") }
        try finish(machines, problems, unattended: unattended)
    }

    /// The same with one of the examples.
    private func show(_ example: Example, in folder: URL, _ workspace: Workspace, unattended: Bool) throws {
        try example.buildGuests(workspace, progress: Self.tell)
        let file = example.manifest(workspace)
        try checkOptions(try refusing { try readManifest(file, images: .unchecked) })
        let outside = try ExampleOutside(folder: folder)
        let source = images.source(beside: file, made: folder.path)
        if let second = example.second {
            let pair = try SealedPair(in: folder, workspace, images: source, progress: Self.tell)
            defer { pair.stop() }
            let names = (left: "demo", right: "demo-\(second)")
            let (left, right) = try pair.start(port: outside.port, names: names, progress: Self.tell)
            return try follow(example, DemoMachines(left, second: (second, right)), outside, workspace, unattended)
        }
        try example.make(outside, workspace, progress: Self.tell)
        let demo = try Testbed(
            manifest: file, workspace, name: "demo", iommu: example.iommu, extra: try example.extra(outside, workspace),
            images: source, progress: Self.tell)
        try follow(example, DemoMachines(demo), outside, workspace, unattended)
    }

    /// Shows what its machines do, and stops them.
    private func follow(
        _ example: Example, _ machines: DemoMachines, _ outside: ExampleOutside, _ workspace: Workspace,
        _ unattended: Bool
    ) throws {
        defer { machines.stop() }
        let run = DemoExample(machines, example, outside, workspace)
        var problems: [String] = []
        do {
            if unattended {
                try machines.explaining {
                    try run.runUnattended(seconds: limit ?? 600)
                    if stay { try run.stay(seconds: duration == nil ? nil : limit) }
                }
            } else {
                try DemoScreen(machines, attach: console, example: run).run()
            }
        } catch { problems.append("\(error)") }
        try finish(machines, problems, unattended: unattended)
    }

    @Sendable private static func tell(_ line: String) { FileHandle.standardError.write(Data("\(line)\n".utf8)) }

    /// Writes the report, which is the first machine's, and says what was wrong.
    private func finish(_ machines: DemoMachines, _ problems: [String], unattended: Bool) throws {
        let others = machines.second.map { other in
            MachineReport(other.testbed.watch, emulator: other.testbed.emulator).problems.map { "\(other.name): \($0)" }
        }
        let result = MachineReport(
            machines.first.watch, emulator: machines.first.emulator, problems: problems + (others ?? []))
        if let report { try SafeFile.write(result.json(), to: report) }
        guard unattended || !problems.isEmpty else { return }
        for problem in result.problems { FileHandle.standardError.write(Data("bulkhead: \(problem)\n".utf8)) }
        guard result.problems.isEmpty else { throw ExitCode.failure }
    }

    /// Before the machine boots, which takes a while.
    private func checkOptions(_ manifest: Manifest) throws {
        if let console {
            let isReadable = manifest.partitionList.contains {
                $0.name.string == console && $0.console && $0.permits.contains(.consoleRead)
            }
            guard isReadable else {
                throw ValidationError("no partition \(console) has a console that the manifest permits to read")
            }
        }
        guard let report else { return }
        let folder = URL(filePath: report).deletingLastPathComponent().path
        guard FileManager.default.isWritableFile(atPath: folder) else {
            throw ValidationError("--report: \(folder) is no folder that can be written to")
        }
    }

    /// Ctrl-C and `kill` switch the machine off and remove its files. (SIGKILL ends the machine too, but leaves them.)
    static func endOnSignal() -> [DispatchSourceSignal] {
        [SIGINT, SIGTERM, SIGHUP].map { number in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler {
                Machine.stopAll()
                PrivateFolder.removeAll()
                Foundation.exit(128 + number)
            }
            source.resume()
            return source
        }
    }
}

extension MachineKind: ExpressibleByArgument {}
