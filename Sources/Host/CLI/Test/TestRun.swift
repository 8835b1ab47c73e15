import ArgumentParser
import Foundation
import Machines
import TestKit

/// One run of `swift test` and what comes of it.
struct TestRun {
    let name: String
    private let report: URL
    private let process: Process
    private let started = ContinuousClock.now

    /// Starts it.
    init(name: String, arguments: [String], nightly: Bool = false, _ workspace: Workspace) throws {
        self.name = name
        report = workspace.cache.appending(path: "tests/\(name).xml")
        try FileManager.default.createDirectory(
            at: report.deletingLastPathComponent(), withIntermediateDirectories: true)
        try? FileManager.default.removeItem(at: report)
        process = try Self.swift(
            "test", ["--disable-xctest", "--xunit-output", report.path] + arguments, workspace,
            nightly ? ["BULKHEAD_DEVICES": "1", "BULKHEAD_SEQUENCES": "4000000"] : [:])
    }

    /// Suites on AMD machines that attack, and as many others as make this half as long as the one that runs beside it.
    /// No suite of one list has files in common with one that is not in it.
    static let attacks = "MachineTests/(Containment|MachineChecks|Detectors|Device|Libvirt|SharedCore|Watch)"

    /// Starts the machine tests: two halves of those on AMD machines, and those on Intel machines, beside each other. With
    /// a filter, one run alone.
    static func machines(_ filter: String?, nightly: Bool, _ workspace: Workspace) throws -> [TestRun] {
        let arguments = ["--no-parallel", "--filter", filter.map { "^MachineTests\\..*(\($0))" } ?? "^MachineTests\\."]
        guard filter == nil else { return [try TestRun(name: "machine", arguments: arguments, workspace)] }
        let build = try swift("build", ["--build-tests"], workspace)
        build.waitUntilExit()
        guard build.terminationStatus == 0 else { throw ExitCode.failure }
        let intel = "MachineTests/Intel", built = ["--skip-build", "--ignore-lock"]
        func run(_ name: String, _ chosen: [String]) throws -> TestRun {
            try TestRun(name: name, arguments: built + chosen, nightly: nightly, workspace)
        }
        return [
            try run("machine-intel", ["--no-parallel", "--filter", intel]),
            try run("machine-attacks", ["--no-parallel", "--filter", attacks]),
            try run("machine-amd", arguments + ["--skip", intel, "--skip", attacks]),
        ]
    }

    private static func swift(
        _ action: String, _ arguments: [String], _ workspace: Workspace, _ environment: [String: String] = [:]
    ) throws -> Process {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["swift", action, "--package-path", workspace.root.path] + arguments
        process.environment = ProcessInfo.processInfo.environment
            .merging(["BULKHEAD_HOME": workspace.root.path, "BULKHEAD_DAEMON": "1"]) { $1 }.merging(environment) { $1 }
        try process.run()
        return process
    }

    /// Waits for its end.
    /// - Parameter note: may change the report; it is told how many seconds all of it took.
    func report(_ note: (inout TestReport, Double) -> Void = { _, _ in }) -> TestReport {
        process.waitUntilExit()
        var found = TestReport(xml: (try? String(contentsOf: report, encoding: .utf8)) ?? "")
        // A build that fails or a test that crashes leaves no results, or incomplete ones.
        if process.terminationStatus != 0 && found.failures.isEmpty {
            found.failures.append("the \(name) test run ended with status \(process.terminationStatus)")
        }
        note(&found, (ContinuousClock.now - started) / .seconds(1))
        return found
    }
}
