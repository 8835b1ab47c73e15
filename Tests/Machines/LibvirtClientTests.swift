import Audit
import Foundation
import Machines
import Testing

extension MachineTests {
    /// libvirt's clients of later years, and what is built on them, each as its makers ship it.
    @Suite(.stopsMachines, .enabled(if: ProcessInfo.processInfo.environment["BULKHEAD_DEVICES"] == "1"))
    struct LibvirtClients {
        private let scripts = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Libvirt")

        @Test func newerClientsAndAnsible() throws {
            let workspace = try Workspace.current()
            let clients = workspace.cache.appending(path: "clients")
            let made = try ClientScript.output(
                [scripts.appending(path: "newer-clients").path, clients.path], workspace.cache)
            try #require(FileManager.default.fileExists(atPath: clients.path + "/made"), "\(made)")
            let testbed = try Testbed.readyDemo(workspace, name: "test-clients")
            defer { testbed.stop() }
            for (suite, allows13) in [("trixie", false), ("sid", true)] {
                // The script begins with both partitions running.
                try testbed.startAll()
                let state = try workspace.emptyFolder("run/test-clients-state")
                try speaks(clients.appending(path: suite).path, allows13, workspace, testbed.socket, state)
            }
            try playsTwice(workspace, testbed.socket, try workspace.emptyFolder("run/test-clients-state"))
        }

        /// On a screen of its own; the picture of it is left beside the logs.
        @Test func virtManagerOpensAMachine() throws {
            let workspace = try Workspace.current()
            let testbed = try Testbed.readyDemo(workspace, name: "test-virt-manager")
            defer { testbed.stop() }
            let state = try workspace.emptyFolder("run/test-virt-manager-state")
            let daemon = try BulkheaddProcess(workspace, machine: testbed.socket, state: state)
            defer { daemon.stop() }
            let picture = workspace.cache.appending(path: "tests/virt-manager.png")
            try? FileManager.default.removeItem(at: picture)
            let titles = try ClientScript.output(
                [scripts.appending(path: "virt-manager").path, daemon.uri, "workload", picture.path], workspace.cache)
            #expect(titles.hasPrefix("workload on bulkhead\n"), "\(titles)")
            #expect(
                try Data(contentsOf: picture).starts(with: Data("\u{89}PNG".unicodeScalars.map { UInt8($0.value) })))
            // Its window has the guest's console.
            var opened = false
            let changes = try AuditChain(path: state.appending(path: "bulkheadd.audit").path) { line in
                guard line.record.kind == .answer, line.record.result == "ok" else { return }
                if line.record.call == "domain_open_console", line.record.partition == "workload" { opened = true }
            }
            #expect(changes.isWhole && opened)
        }

        /// The same commands print the same, on the socket; some of them over TLS, by the version that stock clients can.
        private func speaks(
            _ client: String, _ allows13: Bool, _ workspace: Workspace, _ machine: URL, _ state: URL
        ) throws {
            let folder = state.appending(path: "authority").path
            try makeAuthority(folder, clients: ["alice"])
            let policy = state.appending(path: "policy.yaml")
            let text = """
                roles: {all: [{allow: [read, console, start, stop, pause, restart, define], partitions: all}]}
                users: {\(getuid()): [all]}
                certificates: {alice: [all]}
                """
            try text.write(to: policy, atomically: true, encoding: .utf8)
            let daemon = try BulkheaddProcess(
                workspace, machine: machine, state: state,
                ["--policy", policy.path, "--tls", "127.0.0.1:0", "--pki", folder + "/servers/box"]
                    + (allows13 ? ["--tls-1.3"] : []))
            defer { daemon.stop() }
            try VirshScript().run([client + "/virsh", "-q", "-c", daemon.uri], folder: workspace.cache)
            let port = try #require(daemon.tlsPort)
            let uri = "bulkhead+tls://127.0.0.1:\(port)/system?pkipath=\(folder)/clients/alice"
            let python = try ClientScript.output(
                [client + "/python3", scripts.appending(path: "lifecycle.py").path, uri], workspace.cache)
            #expect(python.hasSuffix("done\n"), "\(client): \(python)")
        }

        /// Ansible's playbook of the examples: the first run defines and starts, the second changes nothing.
        private func playsTwice(_ workspace: Workspace, _ machine: URL, _ state: URL) throws {
            let daemon = try BulkheaddProcess(workspace, machine: machine, state: state)
            defer { daemon.stop() }
            for name in try ClientScript.output(["virsh", "-q", "-c", daemon.uri, "list", "--name"], workspace.cache)
                .split(separator: "\n")
            {
                _ = try ClientScript.output(
                    ["virsh", "-q", "-c", daemon.uri, "destroy", String(name)], workspace.cache)
            }
            func play() throws -> String {
                try ClientScript.output(
                    [
                        "env", "LC_ALL=C.UTF-8", "ansible-playbook", "-i", "localhost,", "-e", "uri=\(daemon.uri)",
                        "-e",
                        "ansible_python_interpreter=/usr/bin/python3",
                        workspace.root.appending(path: "Examples/daemon/playbook.yaml").path,
                    ], workspace.cache)
            }
            let first = try play()
            #expect(first.contains(/ok=3\s+changed=[23]\s/), "\(first)")
            let running = try ClientScript.output(
                ["virsh", "-q", "-c", daemon.uri, "list", "--name", "--autostart"], workspace.cache)
            #expect(Set(running.split(separator: "\n")) == ["controller", "work"])
            let second = try play()
            #expect(second.contains(/ok=3\s+changed=0\s/), "\(second)")
        }
    }
}
