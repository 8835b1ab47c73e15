import ArgumentParser
import Foundation
import Machines

/// `bulkhead test`: unit tests and machine tests, summed up in one last line.
struct TestCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "test", abstract: "Run the unit tests, the machine tests and the contract.",
        discussion: """
            Ends with the line "N passed, N failed"; the exit status is 0 only if nothing failed. Machine tests boot \
            whole emulated machines: those on AMD machines one after the other, those on Intel machines beside them, which \
            take one processor of the host. The contract (Tools/contract.yaml) comes last, with the machine tests. \
            --adversary makes every attempt of Tests/Guests/attempts.yaml to get out of a partition, and prints what \
            each saw in one table.
            """)

    @Flag(help: "Only the unit tests.") var unit = false
    @Flag(help: "Only the machine tests.") var machine = false
    @Flag(help: "Only the contract.") var contract = false
    @Flag(help: "Only the attempts to get out, in one table.") var adversary = false
    @Option(help: ArgumentHelp("With --adversary: the machine, amd or intel (slow); repeatable.", valueName: "kind"))
    var on: [MachineKind] = [.amd]
    @Flag(help: "With --adversary: the table as JSON.") var json = false
    @Option(help: "Only tests whose name matches this regular expression.") var filter: String?

    func run() throws {
        let workspace = try Workspace.current()
        var total = TestResults()
        let all = !(unit || machine || contract || adversary)
        if unit || all {
            let chosen = filter.map { ["--filter", $0] } ?? []
            total += try TestRun(name: "unit", arguments: ["--skip", "^MachineTests\\."] + chosen, workspace).results()
        }
        if machine || all {
            total += try TestRun.machines(filter, workspace).reduce(into: TestResults()) { $0 += $1.results() }
        }
        if contract || (machine || all) && filter == nil {
            total += TestResults(contract: workspace)
        }
        if adversary { total += try TestResults(adversary: workspace, on, filter, json: json) }
        if json { return try end(total) }
        for failure in total.failures { print("failed: \(failure)") }
        print("\(total.passed) passed, \(total.failures.count) failed")
        try end(total)
    }

    private func end(_ total: TestResults) throws {
        guard total.failures.isEmpty, total.passed > 0 else { throw ExitCode.failure }
    }
}

/// One run of `swift test` and what comes of it.
struct TestRun {
    let name: String
    private let report: URL
    private let process: Process

    /// Starts it.
    init(name: String, arguments: [String], _ workspace: Workspace) throws {
        self.name = name
        report = workspace.cache.appending(path: "tests/\(name).xml")
        try FileManager.default.createDirectory(
            at: report.deletingLastPathComponent(), withIntermediateDirectories: true)
        try? FileManager.default.removeItem(at: report)
        process = try Self.swift("test", ["--disable-xctest", "--xunit-output", report.path] + arguments, workspace)
    }

    /// Starts the machine tests: on AMD machines and on Intel machines beside each other, each run alone with a filter.
    static func machines(_ filter: String?, _ workspace: Workspace) throws -> [TestRun] {
        let arguments = ["--no-parallel", "--filter", filter.map { "^MachineTests\\..*(\($0))" } ?? "^MachineTests\\."]
        guard filter == nil else { return [try TestRun(name: "machine", arguments: arguments, workspace)] }
        let build = try swift("build", ["--build-tests"], workspace)
        build.waitUntilExit()
        guard build.terminationStatus == 0 else { throw ExitCode.failure }
        let intel = "MachineTests/Intel", built = ["--skip-build", "--ignore-lock"]
        return [
            try TestRun(name: "machine-amd", arguments: built + arguments + ["--skip", intel], workspace),
            try TestRun(name: "machine-intel", arguments: built + ["--no-parallel", "--filter", intel], workspace),
        ]
    }

    private static func swift(_ action: String, _ arguments: [String], _ workspace: Workspace) throws -> Process {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["swift", action, "--package-path", workspace.root.path] + arguments
        process.environment = ProcessInfo.processInfo.environment.merging(["BULKHEAD_HOME": workspace.root.path]) { $1 }
        try process.run()
        return process
    }

    /// Waits for its end.
    func results() -> TestResults {
        process.waitUntilExit()
        var found = TestResults(xml: (try? String(contentsOf: report, encoding: .utf8)) ?? "")
        // A build that fails or a test that crashes leaves no results, or incomplete ones.
        if process.terminationStatus != 0 && found.failures.isEmpty {
            found.failures.append("the \(name) test run ended with status \(process.terminationStatus)")
        }
        return found
    }
}

/// How many tests passed, and the names of those that did not.
struct TestResults {
    var passed = 0
    var failures: [String] = []

    init() {}

    /// Measures the contract's counts. One that is over its bound is a failure, and so is a measurement that failed.
    init(contract workspace: Workspace) {
        do {
            let check = try ContractCheck(workspace) { FileHandle.standardError.write(Data("contract: \($0)\n".utf8)) }
            print(check.table)
            (passed, failures) = (check.passed, check.failures)
        } catch {
            failures = ["contract: \(error)"]
        }
    }

    /// Makes the attempts to get out, on the kinds of machines that can be started here, and prints what came of them.
    init(adversary workspace: Workspace, _ kinds: [MachineKind], _ filter: String?, json: Bool) throws {
        let check = AdversaryCheck(kinds, filter: filter, workspace) {
            FileHandle.standardError.write(Data("adversary: \($0)\n".utf8))
        }
        if json {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
            print(String(decoding: try encoder.encode(check.reports), as: UTF8.self))
        } else {
            print(check.reports.map(\.text).joined(separator: "\n\n"))
        }
        passed = check.reports.reduce(0) { $0 + $1.attempts.count { $0.asExpected } }
        failures = check.reports.flatMap(\.failures)
    }

    /// Reads a JUnit report: a test case with a `failure` inside has failed, one with `skipped` counts as neither.
    init(xml: String) {
        for piece in xml.components(separatedBy: "<testcase ").dropFirst() {
            let attributes = (" " + piece).prefix { $0 != ">" }
            let inside = attributes.hasSuffix("/") ? "" : piece.components(separatedBy: "</testcase>")[0]
            if inside.contains("<failure") {
                failures.append("\(Self.value(of: "classname", attributes)).\(Self.value(of: "name", attributes))")
            } else if !inside.contains("<skipped") {
                passed += 1
            }
        }
    }

    private static func value(of key: String, _ attributes: Substring) -> String {
        let parts = attributes.components(separatedBy: " \(key)=\"")
        return parts.count > 1 ? String(parts[1].prefix { $0 != "\"" }) : "?"
    }

    static func += (a: inout TestResults, b: TestResults) {
        a.passed += b.passed
        a.failures += b.failures
    }
}
