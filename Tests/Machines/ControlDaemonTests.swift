import Foundation
import Machines
import Testing

extension MachineTests {
    /// The whole way, as the example goes it: virsh, TLS, the network card of the control partition, bulkheadd in its guest, the
    /// hypervisor.
    @Suite(.serialized, .stopsMachines, .nightly) struct ControlDaemon {
        @Test func virshManagesAMachineFromOneOfItsPartitions() throws {
            let machine = try ExampleMachine(.control), booted = machine.booted, cache = booted.workspace.cache
            try machine.follow(seconds: 400)
            func virsh(_ name: String, _ words: String...) throws -> String {
                try ClientScript.output(["virsh", "-q", "-c", machine.outside.control.uri(name)] + words, cache)
            }
            #expect(try virsh("alice", "hostname") == "control\n")
            let names = try virsh("alice", "list", "--all", "--name").split(separator: "\n")
            #expect(names == ["control-loop", "workload", "control"])
            // What her client is told the serial link says too.
            #expect(try virsh("alice", "destroy", "workload").contains("error") == false)
            #expect(try booted.info("workload").state == .stopped)
            #expect(try virsh("alice", "start", "workload").contains("error") == false)
            #expect(try booted.info("workload").state == .running)
            // What the policy of the daemon lets alice do the manifest does not, and the hypervisor knows.
            let starts = try booted.info("control-loop").starts
            let refused = try virsh("alice", "destroy", "control-loop")
            #expect(
                refused.contains("the manifest does not permit \"stop\" of partition \"control-loop\""), "\(refused)")
            #expect(try booted.info("control-loop").state == .running)
            #expect(try booted.info("control-loop").starts == starts)
            // Who may look may not stop, and who has no role is not let in.
            #expect(try virsh("bob", "destroy", "workload").contains("this connection is read-only"))
            let denied = try virsh("mallory", "destroy", "workload")
            #expect(denied.contains("server verification (of our certificate or IP address) failed"), "\(denied)")
            #expect(try booted.info("workload").state == .running)
            // The partition that she is served by is not there for her.
            #expect(
                try virsh("carol", "list", "--all", "--name").split(separator: "\n") == ["control-loop", "workload"])
            try doesWhatADaemonOutsideDoes(machine.outside.control.uri("carol"), cache)
        }

        /// All that virsh does on the demo's machine with a daemon beside it, it does here.
        private func doesWhatADaemonOutsideDoes(_ uri: String, _ cache: URL) throws {
            let client = ["virsh", "-q", "-c", uri]
            func word(_ command: String) throws -> String {
                try ClientScript.output(client + [command, "workload"], cache).trimmingCharacters(
                    in: .whitespacesAndNewlines)
            }
            let id = try #require(Int(try word("domid"))), uuid = try word("domuuid")
            try VirshScript(machine: "control", uri: uri, cores: 5, uuid: uuid, id: id, next: id + 1)
                .run(client, folder: cache)
        }
    }
}
