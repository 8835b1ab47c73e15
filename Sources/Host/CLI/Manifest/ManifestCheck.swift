import ArgumentParser
import Foundation
import Inventory
import Manifest
import ManifestFile

struct ManifestCheck: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Say what is wrong with a manifest, all of it at once.",
        discussion: """
            Each problem is one line on standard error, FILE:LINE: reason, and the exit code is 1. Checked are the \
            YAML, each key and value, whether partitions clash (cores, memory, names), that every image is there and that \
            its partition's loader loads it: its format, its size, whether the initrd fits. A note says what is possible but \
            may not do what it seems to. With --machine, all that \
            the hypervisor checks at boot is checked against what `bulkhead inventory --json` printed there.
            """)

    @Argument(help: "The manifest, a YAML file.")
    var file: String

    @OptionGroup var options: ImageOptions

    @Option(help: ArgumentHelp("What `bulkhead inventory --json` printed on the machine.", valueName: "inventory"))
    var machine: String?

    @Flag(help: "Print {file, ok, problems: [{file, line, field, reason, hint}]} on standard output instead.")
    var json = false

    func run() throws {
        let source = options.source(beside: file)
        if json {
            var problems: [ManifestProblem] = []
            do {
                let manifest = try compileManifest(file, images: source, isLoading: true).0
                problems = try machineProblems(manifest)
            } catch let refused as ManifestRefused {
                problems = refused.problems
            }
            print(try jsonText(CheckReport(file: file, problems: problems)))
            if !problems.isEmpty { throw ExitCode(1) }
            return
        }
        let (manifest, bytes) = try refusing {
            let result = try compileManifest(file, images: source, isLoading: true)
            let problems = try machineProblems(result.0)
            if !problems.isEmpty { throw ManifestRefused(problems: problems) }
            return result
        }
        let notes = crashNotes(manifest, images: source) + secretNotes(manifest, images: source)
        for note in notes { Manage.fail("note: \(note)") }
        print("\(file): good. \(summary(manifest)); \(bytes.count) bytes when compiled.")
    }

    /// What the machine refuses, as the hypervisor would at boot; notes what its inventory cannot tell.
    private func machineProblems(_ manifest: Manifest) throws -> [ManifestProblem] {
        guard let machine else { return [] }
        let inventory = try ManifestMachine.inventory(machine)
        let addresses = manifest.partitionList.flatMap { $0.devices.list.map(\.address.text) }
        if !json { for doubt in inventory.doubts(about: addresses, of: manifest) { Manage.fail("note: \(doubt)") } }
        return inventory.refusal(of: manifest).map { [ManifestProblem(file: file, reason: $0)] } ?? []
    }
}
