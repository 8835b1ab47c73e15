import Foundation
import Machines
import Testing

extension MachineTests {
    /// libvirt's own clients against `bulkheadd` on the link of the demo's machine.
    @Suite(.stopsMachines) struct Libvirt {
        @Test func stockClients() throws {
            let workspace = try Workspace.current()
            let testbed = try Testbed(manifest: workspace.demoManifest, workspace, name: "test-libvirt")
            defer { testbed.stop() }
            let ready = try testbed.refresh(seconds: 120) { $0.partitions.allSatisfy { $0.isReady } }
            try #require(ready)
            let daemon = try BulkheaddProcess(workspace, machine: testbed.socket)
            defer { daemon.stop() }
            let scripts = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Libvirt")
            let failures = try ClientScript(scripts.appending(path: "virsh.txt"))
                .run(["virsh", "-q", "-c", daemon.uri], folder: workspace.cache)
            for failure in failures { Issue.record("\(failure)") }
        }
    }
}

/// The daemon as a program of its own.
final class BulkheaddProcess {
    let uri: String
    private let process = Process()

    /// Starts it and waits until it prints its URI.
    init(_ workspace: Workspace, machine: URL, _ options: [String] = ["--shutdown-line", "poweroff"]) throws {
        let output = Pipe()
        process.executableURL = workspace.root.appending(path: ".build/debug/bulkheadd")
        process.arguments = ["--machine-socket", machine.path] + options
        process.standardOutput = output
        try process.run()
        var line = ""
        while !line.hasSuffix("\n"), let byte = try output.fileHandleForReading.read(upToCount: 1), !byte.isEmpty {
            line += String(decoding: byte, as: UTF8.self)
        }
        guard let match = line.firstMatch(of: /'(.*)'/) else { throw ClientError("bulkheadd said: \(line)") }
        uri = String(match.1)
    }

    /// `kill -9`.
    func kill() {
        unsafe Glibc.kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }

    func stop() {
        process.terminate()
        process.waitUntilExit()
    }
}

struct ClientError: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

/// Commands of a client with what it must print: a line `$ command`, then the lines of its output, in which `*` stands for
/// anything. A line that only has `*` stands for any number of lines.
struct ClientScript {
    private var steps: [(command: String, output: [String])] = []

    init(_ file: URL) throws {
        for line in try String(contentsOf: file, encoding: .utf8).split(
            separator: "\n", omittingEmptySubsequences: false)
        {
            if line.hasPrefix("#") { continue }
            if line.hasPrefix("$ ") {
                steps.append((String(line.dropFirst(2)), []))
            } else if !steps.isEmpty {
                steps[steps.count - 1].output.append(String(line))
            }
        }
    }

    /// Runs each with the words before it; returns what was not as it must be.
    func run(_ words: [String], folder: URL) throws -> [String] {
        var failures: [String] = []
        for step in steps {
            let text = try Self.output(words + step.command.split(separator: " ").map(String.init), folder)
            let lines = Self.trimmed(text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init))
            if !Self.matches(lines[...], Self.trimmed(step.output)[...]) {
                failures.append("\(step.command): printed\n\(text)\ninstead of\n\(step.output.joined(separator: "\n"))")
            }
        }
        if steps.count < 20 { failures.append("only \(steps.count) commands") }
        return failures
    }

    /// What a program prints on both its outputs.
    static func output(_ words: [String], _ folder: URL) throws -> String {
        let process = Process(), output = Pipe()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = words
        process.environment = ProcessInfo.processInfo.environment.merging(["LC_ALL": "C"]) { $1 }
        process.currentDirectoryURL = folder
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = output
        process.standardError = output
        try process.run()
        let bytes = try output.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Without blanks at the ends of lines, columns one blank apart, and without empty lines at both ends.
    private static func trimmed(_ lines: [String]) -> [String] {
        var lines = lines.map { $0.replacing(/\s+$/, with: "").replacing(/[ ]+/, with: " ") }
        while lines.last == "" { lines.removeLast() }
        while lines.first == "" { lines.removeFirst() }
        return lines
    }

    private static func matches(_ lines: ArraySlice<String>, _ wanted: ArraySlice<String>) -> Bool {
        guard let first = wanted.first else { return lines.isEmpty }
        if first == "*" {
            return (lines.startIndex...lines.endIndex).contains { matches(lines[$0...], wanted.dropFirst()) }
        }
        guard let line = lines.first, isLike(line[...], first[...]) else { return false }
        return matches(lines.dropFirst(), wanted.dropFirst())
    }

    private static func isLike(_ line: Substring, _ pattern: Substring) -> Bool {
        guard let star = pattern.firstIndex(of: "*") else { return line == pattern }
        guard line.hasPrefix(pattern[..<star]) else { return false }
        let rest = line.dropFirst(pattern[..<star].count), after = pattern[pattern.index(after: star)...]
        var index = rest.startIndex
        while true {
            if isLike(rest[index...], after) { return true }
            guard index < rest.endIndex else { return false }
            index = rest.index(after: index)
        }
    }
}
