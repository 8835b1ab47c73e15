import ArgumentParser
import Foundation
import Machines
import Reports
import TestKit

/// `bulkhead test`: unit tests and machine tests, summed up in one last line.
struct TestCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "test", abstract: "Run the unit tests, the machine tests and the contract.",
        discussion: """
            Ends with a table of where the time went, the longest first, and the line "N passed, N failed"; the exit \
            status is 0 only if nothing failed. Machine tests boot whole emulated machines: AMD and Intel machines beside \
            each other. The contract (Tools/contract.yaml) comes last, with the machine tests. --adversary makes every \
            attempt of Tests/Guests/attempts.yaml to get out of a partition, and prints what each saw in one table. \
            --nightly adds what is slow or rare: an installation of Debian on an emulated NVMe disk, second cases of what \
            tests by day show, ten minutes of fuzzing for each target, millions of instruction sequences in a partition and \
            on a bare machine, and the attempts on machines of both vendors; it takes some hours.
            """)

    @Flag(help: "Only the unit tests.") var unit = false
    @Flag(help: "Only the machine tests.") var machine = false
    @Flag(help: "Only the contract.") var contract = false
    @Flag(help: "Only the attempts to get out, in one table.") var adversary = false
    @Flag(help: "All tests, and what is slow or rare on top.") var nightly = false
    @Option(help: ArgumentHelp("With --adversary: the machine, amd or intel (slow); repeatable.", valueName: "kind"))
    var on: [MachineKind] = [.amd]
    @Flag(help: "With --adversary: the table as JSON.") var json = false
    @Option(help: "Only tests whose name matches this regular expression.") var filter: String?

    func validate() throws {
        guard !nightly || !(unit || machine || contract || adversary || json) && filter == nil else {
            throw ValidationError("--nightly runs everything and goes with nothing else")
        }
    }

    func run() throws {
        let workspace = try Workspace.current()
        var total = TestReport()
        let all = !(unit || machine || contract || adversary)
        if unit || machine || all { try TestRun.build(workspace) }
        if unit || all {
            let chosen = filter.map { ["--filter", $0] } ?? []
            let run = try TestRun(
                name: "unit", arguments: ["--skip", "^MachineTests\\."] + chosen, isFiltered: filter != nil, workspace)
            // They run beside each other, so that the times of suites are no parts of a sum.
            total += run.report { if $0.passed + $0.failures.count > 0 { $0.takes($1, as: "unit tests") } }
        }
        if machine || all {
            for run in try TestRun.machines(filter, nightly: nightly, workspace) { total += run.report() }
        }
        if contract || (machine || all) && filter == nil {
            total += TestReport(contract: workspace)
        }
        if nightly { total += TestReport(fuzzing: workspace, seconds: 600) }
        if adversary || nightly {
            total += try TestReport(adversary: workspace, nightly ? MachineKind.allCases : on, filter, json: json)
        }
        if json { return try end(total) }
        for failure in total.failures { print("failed: \(failure)") }
        print(Self.table(total))
        print("\(total.passed) passed, \(total.failures.count) failed")
        try end(total)
    }

    private static func table(_ total: TestReport) -> String {
        var table = TextTable(["SUITE", "SECONDS", "TESTS"], numbers: [1, 2])
        for row in total.slowest { table.add([row.name, String(format: "%.0f", row.seconds), "\(row.tests)"]) }
        return table.lines.joined(separator: "\n")
    }

    private func end(_ total: TestReport) throws {
        guard total.failures.isEmpty, total.passed > 0 else { throw ExitCode.failure }
    }
}
