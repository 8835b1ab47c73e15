import Audit
import ControlClient
import Foundation
import Machines
import Testing

extension MachineTests {
    /// libvirt's own clients against `bulkheadd` on the link of the demo's machine.
    @Suite(.stopsMachines) struct Libvirt {
        @Test func stockClients() throws {
            let workspace = try Workspace.current()
            let testbed = try Testbed.readyDemo(workspace, name: "test-libvirt")
            defer { testbed.stop() }
            let state = try workspace.emptyFolder("run/test-libvirt-state")
            let daemon = try BulkheaddProcess(workspace, machine: testbed.socket, state: state)
            defer { daemon.stop() }
            let scripts = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Libvirt")
            try VirshScript().run(["virsh", "-q", "-c", daemon.uri], folder: workspace.cache)
            // Later versions say nothing then.
            let absent = try ClientScript.output(
                ["virsh", "-q", "-c", daemon.uri, "metadata", "workload", "http://example.org/a"], workspace.cache)
            #expect(absent.contains("metadata not found: Requested metadata element is not present"), "\(absent)")
            let python = try ClientScript.output(
                ["/usr/bin/python3", scripts.appending(path: "lifecycle.py").path, daemon.uri], workspace.cache)
            #expect(python.hasSuffix("done\n"), "\(python)")
            let hostile = try ClientScript.output(
                ["/usr/bin/python3", scripts.appending(path: "hostile.py").path, daemon.uri, "\(daemon.pid)"],
                workspace.cache)
            #expect(hostile.hasSuffix("done\n"), "\(hostile)")
            let metrics = try ClientScript.output(
                ["/usr/bin/python3", scripts.appending(path: "metrics.py").path, daemon.metrics], workspace.cache)
            #expect(metrics.hasSuffix("done\n"), "\(metrics)")
            try isAudited(state)
            try survivesAKill(daemon, workspace, testbed.socket, state)
        }

        /// What the clients have done is in the audit log, and the log is whole.
        private func isAudited(_ state: URL) throws {
            var done: Set<String> = []
            let changes = try AuditChain(path: state.appending(path: "bulkheadd.audit").path) { line in
                guard line.record.kind == .answer, line.record.uid == getuid(), line.record.result == "ok" else {
                    return
                }
                done.insert("\(line.record.call ?? "") \(line.record.partition ?? "")")
            }
            #expect(changes.isWhole, "\(changes.problems)")
            for call in ["domain_create", "domain_destroy", "domain_suspend", "domain_resume", "domain_define_xml"] {
                #expect(done.contains("\(call) workload"), "\(call): \(done.sorted())")
            }
            #expect(try AuditChain(path: state.appending(path: "bulkheadd.reads").path).isWhole)
        }

        /// What was defined is there again, byte for byte, after the daemon was killed.
        private func survivesAKill(_ daemon: BulkheaddProcess, _ workspace: Workspace, _ machine: URL, _ state: URL)
            throws
        {
            func virsh(_ uri: String, _ words: String...) throws -> String {
                try ClientScript.output(["virsh", "-q", "-c", uri] + words, workspace.cache)
            }
            #expect(try virsh(daemon.uri, "autostart", "work").contains("error") == false)
            let before = try virsh(daemon.uri, "dumpxml", "--inactive", "work")
            #expect(before.contains("<!-- kept as it is -->"))
            daemon.kill()
            try isAudited(state)
            let second = try BulkheaddProcess(workspace, machine: machine, state: state)
            defer { second.stop() }
            #expect(try virsh(second.uri, "dumpxml", "--inactive", "work") == before)
            #expect(try virsh(second.uri, "dominfo", "work").contains(/Autostart: +enable/))
            #expect(try virsh(second.uri, "domstate", "work").contains("shut off"))
            #expect(try virsh(second.uri, "undefine", "work").contains("error") == false)
            let names = try virsh(second.uri, "list", "--all", "--name")
            #expect(names.split(separator: "\n") == ["control-loop"])
            // An unmodified virt-install makes it anew, and it runs.
            let kernel = workspace.cache.appending(path: "guests/vmlinux-cloud").path
            let installed = try ClientScript.output(
                [
                    "virt-install", "--connect", second.uri, "--name", "work", "--memory", "1024", "--vcpus", "2",
                    "--import", "--disk", "none", "--network", "none", "--graphics", "none", "--noautoconsole",
                    "--osinfo", "detect=off,require=off", "--boot", "kernel=\(kernel)", "--resource",
                    "partition=/workload",
                ], workspace.cache)
            #expect(installed.contains("Domain creation completed."), "\(installed)")
            #expect(try virsh(second.uri, "domstate", "work").contains("running"))
            second.stop()
            try keepsToAPolicy(workspace, machine, state)
        }

        /// virsh is refused what the policy does not let its user, by the rule's words, until another policy does.
        private func keepsToAPolicy(_ workspace: Workspace, _ machine: URL, _ state: URL) throws {
            let file = state.appending(path: "policy.yaml")
            func write(_ rules: String) throws {
                let text = "roles:\n  some:\n\(rules)\nusers:\n  \(getuid()): [some]\n"
                try text.write(to: file, atomically: true, encoding: .utf8)
            }
            try write("    - {allow: [read, pause], partitions: [workload]}")
            let daemon = try BulkheaddProcess(workspace, machine: machine, state: state, ["--policy", file.path])
            defer { daemon.stop() }
            func virsh(_ words: String...) throws -> String {
                try ClientScript.output(["virsh", "-q", "-c", daemon.uri] + words, workspace.cache)
            }
            // The other partition is not there.
            #expect(try virsh("list", "--all", "--name").split(separator: "\n") == ["work"])
            #expect(try virsh("domstate", "control-loop").contains("failed to get domain 'control-loop'"))
            let refused = try virsh("destroy", "work")
            #expect(
                refused.contains("the policy does not let \(getuid()) stop on workload: no rule of some does"),
                "\(refused)")
            for (command, state) in [("suspend", "paused"), ("resume", "running")] {
                _ = try virsh(command, "work")
                #expect(try virsh("domstate", "work").contains(state))
            }
            try write(
                "    - {allow: [read], partitions: all}\n    - {allow: [stop], partitions: [workload], when: {tpm: true}}"
            )
            daemon.hangUp()
            var words = ""
            for _ in 0..<100 where !words.contains("control-loop") { words = try virsh("list", "--all", "--name") }
            #expect(words.split(separator: "\n").count == 2)
            #expect(try virsh("destroy", "work").contains("role some, line 4: only with tpm"))
            try write("    - {allow: [read, stop], partitions: all}")
            daemon.hangUp()
            words = "policy"
            for _ in 0..<100 where words.contains("policy") { words = try virsh("destroy", "work") }
            #expect(try !words.contains("error") && virsh("domstate", "work").contains("shut off"), "\(words)")
            daemon.stop()
            try speaksTLS(workspace, machine, state)
        }

        /// The same over TLS, where a client is whose certificate it shows; who is revoked in mid-connection has no further call.
        private func speaksTLS(_ workspace: Workspace, _ machine: URL, _ state: URL) throws {
            let folder = state.appending(path: "authority").path
            try makeAuthority(folder, clients: ["alice", "bob"])
            let file = state.appending(path: "policy.yaml")
            let text = """
                roles:
                  operator: [{allow: [read, start, stop], partitions: [workload]}]
                  viewer: [{allow: [read], partitions: all}]
                  other: [{allow: [start], partitions: [control-loop]}]
                certificates: {alice: [operator], bob: [viewer, other]}
                users: {\(getuid()): [viewer]}
                """
            try text.write(to: file, atomically: true, encoding: .utf8)
            let daemon = try BulkheaddProcess(
                workspace, machine: machine, state: state,
                ["--policy", file.path, "--tls", "127.0.0.1:0", "--pki", folder + "/servers/box"])
            defer { daemon.stop() }
            let port = try #require(daemon.tlsPort)
            func uri(_ name: String) -> String {
                "bulkhead+tls://127.0.0.1:\(port)/system?pkipath=\(folder)/clients/\(name)"
            }
            func virsh(_ name: String, _ words: String...) throws -> String {
                try ClientScript.output(["virsh", "-q", "-c", uri(name)] + words, workspace.cache)
            }
            #expect(try virsh("alice", "list", "--all", "--name").split(separator: "\n") == ["work"])
            #expect(try virsh("bob", "list", "--all", "--name").split(separator: "\n").count == 2)
            #expect(try virsh("bob", "start", "work").contains("the policy does not let bob start on workload"))
            #expect(try !virsh("alice", "start", "work").contains("error"))
            #expect(try virsh("bob", "domstate", "work").contains("running"))
            let script = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Libvirt/revoked.py").path
            let tool = workspace.root.appending(path: ".build/debug/CLI").path
            let python = try ClientScript.output(
                ["/usr/bin/python3", script, uri("alice"), tool, folder], workspace.cache)
            #expect(python.hasSuffix("done\n"), "\(python)")
            #expect(try virsh("alice", "list").contains("failed"))
            #expect(try virsh("bob", "domstate", "work").contains("shut off"))
        }
    }
}

extension Testbed {
    /// The demo's machine, with both guests up.
    static func readyDemo(_ workspace: Workspace, name: String) throws -> Testbed {
        let testbed = try Testbed(manifest: workspace.demoManifest, workspace, name: name)
        do { try testbed.waitForGuests() } catch {
            testbed.stop()
            throw error
        }
        return testbed
    }

    /// Starts what has stopped, and waits until all guests are up.
    func startAll() throws {
        let link = try ControlClient(path: socket.path)
        for partition in try link.list() where partition.state == .stopped {
            try link.change(.start, partition.name.string)
        }
        try waitForGuests()
    }

    private func waitForGuests() throws {
        let isReady = try refresh(seconds: 120) {
            $0.partitions.allSatisfy { $0.isReady && $0.info.state == .running }
        }
        try #require(isReady)
    }
}

extension Workspace {
    /// For a daemon's state: what an earlier run has defined is not this one's.
    func emptyFolder(_ path: String) throws -> URL {
        let folder = cache.appending(path: path)
        try? FileManager.default.removeItem(at: folder)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        return folder
    }
}

/// The daemon as a program of its own.
final class BulkheaddProcess {
    let uri: String
    /// Where its metrics are read.
    let metrics: String
    /// Where clients are served over TLS, if any are.
    let tlsPort: String?
    private let process = Process()

    /// Starts it and waits until it prints its URI and the machine's partitions are known.
    init(_ workspace: Workspace, machine: URL, state: URL, _ more: [String] = []) throws {
        let output = Pipe()
        process.executableURL = workspace.root.appending(path: ".build/debug/bulkheadd")
        process.arguments =
            [
                "--machine-socket", machine.path, "--state-dir", state.path, "--shutdown-line", "poweroff",
                "--metrics", "127.0.0.1:0",
            ] + more
        process.standardOutput = output
        try process.run()
        var lines = ""
        // Its metrics are the last that it says.
        while !lines.hasSuffix("/metrics\n"), let byte = try output.fileHandleForReading.read(upToCount: 1),
            !byte.isEmpty
        {
            lines += String(decoding: byte, as: UTF8.self)
        }
        guard let match = lines.firstMatch(of: /'(.*)'/), let address = lines.firstMatch(of: /http:.*metrics/) else {
            throw ClientError("bulkheadd said: \(lines)")
        }
        (uri, metrics) = (String(match.1), String(address.0))
        tlsPort = lines.firstMatch(of: /TLS on .*, port ([0-9]+)/).map { String($0.1) }
        // Before the machine has answered there are no domains.
        for _ in 0..<600 {
            let name = try ClientScript.output(["virsh", "-q", "-c", uri, "hostname"], workspace.cache)
            if !name.contains("error") { return }
            Thread.sleep(forTimeInterval: 0.1)
        }
        stop()
        throw ClientError("bulkheadd did not reach the machine in 600 tries")
    }

    var pid: Int32 { process.processIdentifier }

    /// Has it read its policy anew.
    func hangUp() { _ = Glibc.kill(process.processIdentifier, SIGHUP) }

    /// `kill -9`.
    func kill() {
        _ = Glibc.kill(process.processIdentifier, SIGKILL)
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
/// anything. A line that only has `*` stands for any number of lines. `{name}` stands for a value that is given.
///
/// `$? command` may print nothing at all instead: virsh has a thread for what can take long, and waits for it in
/// `g_main_loop_run`; where the answer comes before that, its `g_main_loop_quit` is lost and virsh waits for ever. It is ended
/// then. `lifecycle.py` asks for the same without virsh.
struct ClientScript {
    private var steps: [(command: String, mayHang: Bool, output: [String])] = []

    init(_ file: URL, _ values: [String: String] = [:]) throws {
        for text in try String(contentsOf: file, encoding: .utf8).split(
            separator: "\n", omittingEmptySubsequences: false)
        {
            if text.hasPrefix("#") { continue }
            let line = values.reduce(String(text)) { $0.replacing("{\($1.key)}", with: $1.value) }
            if let command = line.wholeMatch(of: /\$(\??) (.*)/) {
                steps.append((String(command.2), command.1 == "?", []))
            } else if !steps.isEmpty {
                steps[steps.count - 1].output.append(String(line))
            }
        }
    }

    /// Runs each with the words before it; returns what was not as it must be.
    func run(_ words: [String], folder: URL) throws -> [String] {
        var failures: [String] = []
        for step in steps {
            let command = words + step.command.split(separator: " ").map(String.init)
            let text = try Self.output(command, folder, seconds: step.mayHang ? 20 : 900)
            if step.mayHang && text.isEmpty {
                print("\(step.command): ended, since virsh has not seen its own thread end")
                continue
            }
            let lines = Self.trimmed(text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init))
            if !Self.matches(lines[...], Self.trimmed(step.output)[...]) {
                failures.append("\(step.command): printed\n\(text)\ninstead of\n\(step.output.joined(separator: "\n"))")
            }
        }
        if steps.count < 20 { failures.append("only \(steps.count) commands") }
        return failures
    }

    /// What a program prints on both its outputs.
    static func output(_ words: [String], _ folder: URL, seconds: Int = 900) throws -> String {
        let process = Process(), output = Pipe()
        process.executableURL = URL(filePath: "/usr/bin/env")
        // A client that is not answered fails the test; the longest of them take some minutes.
        process.arguments = ["timeout", "--kill-after=5", "\(seconds)"] + words
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
