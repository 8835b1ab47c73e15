import ArgumentParser
import Foundation
import Machines
import TestKit

/// One run of the tests' program and what comes of it.
///
/// `swift test` would start the same program: after seconds of planning, and not at all where several start at once on a busy
/// host, since they lock the build's database.
struct TestRun {
    let name: String
    /// Whether it may find that it has nothing to run.
    private let isFiltered: Bool
    private let report: URL
    private let process: Process
    private let started = ContinuousClock.now

    /// Builds what all runs are of: once, since each build takes seconds to find that there is nothing to do.
    /// - Throws: `ExitCode.failure`.
    static func build(_ workspace: Workspace) throws {
        let build = try start(
            ["/usr/bin/env", "swift", "build", "--build-tests", "--package-path", workspace.root.path], workspace)
        build.waitUntilExit()
        guard build.terminationStatus == 0 else { throw ExitCode.failure }
    }

    /// Starts one of what is built.
    init(
        name: String, arguments: [String], isFiltered: Bool = false, nightly: Bool = false, _ workspace: Workspace
    ) throws {
        self.name = name
        self.isFiltered = isFiltered
        report = workspace.cache.appending(path: "tests/\(name).xml")
        try FileManager.default.createDirectory(
            at: report.deletingLastPathComponent(), withIntermediateDirectories: true)
        try? FileManager.default.removeItem(at: report)
        let program = workspace.root.appending(path: ".build/debug/bulkheadPackageTests.xctest").path
        process = try Self.start(
            [program, "--testing-library", "swift-testing", "--xunit-output", report.path] + arguments, workspace,
            nightly ? ["BULKHEAD_DEVICES": "1", "BULKHEAD_SEQUENCES": "4000000"] : [:])
    }

    /// Suites on Intel machines, and of those with a hypervisor that has faults to inject as many as make the three lists
    /// equally long. No suite of one list has files in common with one of another.
    static let intel =
        "MachineTests/(Intel|SelfCheck/|Resources/|LostCores/|Faults/|CoreStarts/|ProofControl/)"
    /// Suites on AMD machines that attack.
    /// Beside these what makes the lists equally long.
    static let attacks = "MachineTests/(Containment|MachineChecks|Detectors|Device|Libvirt|MeasuredBoot|Watch)"

    /// Starts the machine tests: three lists beside each other, since most wait now and then and two processors have no
    /// idle one then. With a filter, one run alone.
    static func machines(_ filter: String?, nightly: Bool, _ workspace: Workspace) throws -> [TestRun] {
        let arguments = ["--no-parallel", "--filter", filter.map { "^MachineTests\\..*(\($0))" } ?? "^MachineTests\\."]
        guard filter == nil else {
            return [try TestRun(name: "machine", arguments: arguments, isFiltered: true, workspace)]
        }
        func run(_ name: String, _ chosen: [String]) throws -> TestRun {
            try TestRun(name: name, arguments: chosen, nightly: nightly, workspace)
        }
        return [
            try run("machine-intel", ["--no-parallel", "--filter", intel]),
            try run("machine-attacks", ["--no-parallel", "--filter", attacks]),
            try run("machine-amd", arguments + ["--skip", intel, "--skip", attacks]),
        ]
    }

    private static func start(
        _ command: [String], _ workspace: Workspace, _ environment: [String: String] = [:]
    ) throws -> Process {
        let process = Process()
        process.executableURL = URL(filePath: command[0])
        process.arguments = Array(command.dropFirst())
        process.currentDirectoryURL = workspace.root
        process.environment = ProcessInfo.processInfo.environment
            .merging(["BULKHEAD_HOME": workspace.root.path, "BULKHEAD_DAEMON": "1"]) { $1 }.merging(environment) { $1 }
        // The program has colours by what the terminal is called, also where its output is a file.
        if !Terminal.isOutput { process.environment?["TERM"] = nil }
        try process.run()
        return process
    }

    /// The testing library's status for a filter that nothing matches (EX_UNAVAILABLE).
    private static let noTestsFound: Int32 = 69

    /// Waits for its end.
    /// - Parameter note: may change the report; it is told how many seconds all of it took.
    func report(_ note: (inout TestReport, Double) -> Void = { _, _ in }) -> TestReport {
        process.waitUntilExit()
        var found = TestReport(xml: (try? String(contentsOf: report, encoding: .utf8)) ?? "")
        // A test that crashes leaves no results, or incomplete ones.
        let hasNone = isFiltered && process.terminationStatus == Self.noTestsFound
        if process.terminationStatus != 0 && found.failures.isEmpty && !hasNone {
            found.failures.append("the \(name) test run ended with status \(process.terminationStatus)")
        }
        note(&found, (ContinuousClock.now - started) / .seconds(1))
        return found
    }
}
