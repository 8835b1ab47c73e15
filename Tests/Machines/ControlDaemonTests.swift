import Foundation
import Machines
import TestKit
import Testing

extension MachineTests {
    /// The whole way: virsh, TLS, the network card of the control partition, bulkheadd in its guest, the hypervisor.
    @Suite(.serialized, .stopsMachines, .nightly) struct ControlDaemon {
        @Test func virshManagesAMachineFromOneOfItsPartitions() throws {
            let workspace = try Workspace.current()
            let state = try workspace.emptyFolder("run/test-control-daemon"), port = try Self.freePort()
            let folder = state.appending(path: "authority").path
            try makeAuthority(folder, clients: ["alice", "mallory"])
            let policy = state.appending(path: "policy.yaml")
            let rules = """
                roles: {operator: [{allow: [read, start, stop], partitions: all}]}
                certificates: {alice: [operator]}

                """
            try rules.write(to: policy, atomically: true, encoding: .utf8)
            try output(
                of: workspace.root.appending(path: "Guests/build-control").path,
                [
                    workspace.root.appending(path: ".build/debug/bulkheadd").path, folder + "/servers/box", policy.path,
                    workspace.cache.appending(path: "images/control-daemon.cpio").path,
                ])
            let machine = try BootedMachine(
                manifest: "control-daemon", iommu: .amdVi,
                extra: [
                    "-netdev", "user,id=net,restrict=on,hostfwd=tcp:127.0.0.1:\(port)-10.0.2.15:16514", "-device",
                    "e1000e,netdev=net,addr=10.0",
                ])
            defer { machine.testbed.stop() }
            try machine.guest("control").wait(for: "bulkheadd: TLS on ", seconds: 120)
            func virsh(_ name: String, _ words: String...) throws -> String {
                let uri = "bulkhead+tls://127.0.0.1:\(port)/system?pkipath=\(folder)/clients/\(name)"
                return try ClientScript.output(["virsh", "-q", "-c", uri] + words, workspace.cache)
            }
            #expect(try virsh("alice", "hostname") == "control-daemon\n")
            let names = try virsh("alice", "list", "--all", "--name").split(separator: "\n")
            #expect(names == ["control", "worker", "sealed"])
            #expect(try virsh("alice", "destroy", "worker").contains("error") == false)
            #expect(try machine.info("worker").state == .stopped)
            #expect(try virsh("alice", "start", "worker").contains("error") == false)
            #expect(try machine.info("worker").state == .running)
            // What the policy of the daemon lets alice do the manifest does not, and the hypervisor knows.
            let refused = try virsh("alice", "destroy", "sealed")
            #expect(refused.contains("the manifest does not permit \"stop\" of partition \"sealed\""), "\(refused)")
            #expect(try machine.info("sealed").state == .running)
            // Who has no role is not let in.
            let denied = try virsh("mallory", "destroy", "worker")
            #expect(denied.contains("server verification (of our certificate or IP address) failed"), "\(denied)")
            #expect(try machine.info("worker").state == .running)
        }

        /// A port that nobody listens on just now.
        private static func freePort() throws -> Int {
            let text = try output(
                of: "/usr/bin/python3",
                ["-c", "import socket; s = socket.socket(); s.bind(('127.0.0.1', 0)); print(s.getsockname()[1])"])
            return try #require(Int(text.trimmingCharacters(in: .whitespacesAndNewlines)))
        }
    }
}
