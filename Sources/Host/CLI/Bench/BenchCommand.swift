import ArgumentParser
import Foundation
import Machines

/// `bulkhead bench`: the numbers that Bulkhead promises, measured on an emulated machine, each beside its bound.
struct BenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench", abstract: "Measure exits, sizes and start times, each beside its bound.",
        discussion: """
            Boots a guest that provokes each exit under the counter, guests at the ends of a wire and of a port, then \
            Examples/bench.yaml and, for comparison, the same guest bare, one after the other. Takes about five minutes. The \
            bounds are those of Tools/contract.yaml. Exit code 1 when a count or a size is over its bound; times are only reported, since \
            they are this host's as much as ours. Documentation/bench.md says how each number comes about. \
            `bulkhead bench daemon` measures the daemon for libvirt's clients instead.
            """,
        subcommands: [BenchDaemonCommand.self])

    @Option(help: "Write the numbers to this file, as JSON.") var json: String?
    @Option(help: "How often both kinds of machine are booted; times are the shortest of all boots.") var boots = 3

    @Option(
        help: "amd or intel. With intel: one boot on each, side by side; takes about ten minutes.")
    var machine: MachineKind = .amd
    @OptionGroup var images: ImageOptions
    @Flag(help: "Only the instructions of each exit: one short run.") var costs = false
    @Flag(
        help: """
            Only what frames on a wire and characters on the virtio console cost, and how fast a port is: two short runs. \
            With --compare: frames and characters beside the same of two virtual machines that vhost connects.
            """)
    var wires = false
    @Flag(help: "Write what was measured into Tools/contract.yaml, as the last figures.") var record = false

    @Flag(help: "Measure the same guest bare, in a partition and under KVM tuned for real time, side by side.")
    var compare = false
    @Option(help: "With --compare: seconds of each silent window, or of each stream over a wire.") var seconds = 10
    @Option(help: "With --compare --wires: how often each is measured; the middle counts.") var rounds = 3
    @Option(help: "With --compare: write a picture to this file, as SVG.") var plot: String?

    func validate() throws {
        guard (4...600).contains(seconds) else { throw ValidationError("--seconds takes a number from 4 to 600") }
        guard images.images.isEmpty || !compare && !costs && !wires else {
            throw ValidationError("--images goes with none of --compare, --costs and --wires, which bring guests")
        }
        guard compare || plot == nil else { throw ValidationError("--plot wants --compare") }
        guard !(costs || record) || !compare else {
            throw ValidationError("--costs and --record do not go with --compare")
        }
        guard !(costs || wires || record || compare) || machine == .amd else {
            throw ValidationError("--compare, --costs, --wires and --record do not go with --machine intel")
        }
        guard !wires || plot == nil else { throw ValidationError("--plot does not go with --wires") }
        guard (1...15).contains(rounds) else { throw ValidationError("--rounds takes a number from 1 to 15") }
        guard (1...20).contains(boots) else { throw ValidationError("--boots takes a number from 1 to 20") }
    }

    func run() throws {
        let workspace = try Workspace.current()
        let signals = DemoCommand.endOnSignal()
        defer { signals.forEach { $0.cancel() } }
        if compare && wires { return try runChannels(workspace) }
        if compare { return try runComparison(workspace) }
        if machine == .intel { return try runBothVendors(workspace) }
        let report = try measure(workspace, .amd, boots: costs || wires ? 0 : boots)
        if let json { try SafeFile.write(report.json(), to: json) }
        print(BenchTable(report).text)
        if record { try ContractCheck.record(report.figures, workspace) }
        guard report.passed else { throw ExitCode.failure }
    }

    private func measure(_ workspace: Workspace, _ kind: MachineKind, boots: Int) throws -> BenchReport {
        let source = images.source(beside: workspace.benchManifest)
        var session = try BenchSession(workspace, kind: kind, images: source) {
            FileHandle.standardError.write(Data("\(kind.rawValue): \($0)\n".utf8))
        }
        // The counter is a plugin of QEMU.
        if kind == .amd, costs || !wires { try session.measureCosts() }
        if kind == .amd, wires || !costs {
            try session.measureWires()
            try session.measurePort()
        }
        for boot in 0..<boots { try session.boot(boot + 1, of: boots) }
        return try BenchReport(session)
    }

    private func runBothVendors(_ workspace: Workspace) throws {
        let reports = [
            try measure(workspace, .amd, boots: 1), try measure(workspace, .intel, boots: 1),
        ]
        if let json { try SafeFile.write(BenchReport.json(reports), to: json) }
        print(BenchSideBySide(reports).text)
        guard reports.allSatisfy(\.passed) else { throw ExitCode.failure }
    }

    private func runComparison(_ workspace: Workspace) throws {
        var session = CompareSession(workspace, seconds: seconds) {
            FileHandle.standardError.write(Data("\($0)\n".utf8))
        }
        try session.run()
        let report = CompareReport(session)
        if let json { try SafeFile.write(report.json(), to: json) }
        if let plot { try SafeFile.write(Data(ComparePlot(report).svg.utf8), to: plot) }
        print(CompareTable(report).text)
    }

    private func runChannels(_ workspace: Workspace) throws {
        var session = ChannelSession(workspace, rounds: rounds, seconds: seconds) {
            FileHandle.standardError.write(Data("\($0)\n".utf8))
        }
        try session.run()
        let report = ChannelReport(session)
        if let json { try SafeFile.write(report.json(), to: json) }
        print(report.text)
    }
}
