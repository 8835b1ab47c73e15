import Control
import ControlClient
import Foundation
import Manifest
import ManifestFile
import Testing

/// Nothing here names an operation: a new row of the table is tested as it is written.
@Suite struct OperationTests {
    static let operations = ControlOperation.all

    @Test func eachHasANameOfItsOwnOutOfOneWord() {
        let names = Self.operations.map(\.name)
        #expect(Set(names).count == names.count)
        #expect(names.allSatisfy { $0.allSatisfy { $0.isLowercase || $0 == "-" } }, "\(names)")
    }

    /// One bit of the manifest each, and every bit an operation's: `all` is exactly what can be asked.
    @Test func eachPermissionIsOneOperations() {
        let permissions = Self.operations.map(\.description.permission).filter { !$0.isEmpty }
        #expect(permissions.allSatisfy { $0.count == 1 })
        #expect(permissions.reduce(into: ControlOperations()) { $0.insert($1) } == .all)
        #expect(ControlOperations.all.count == permissions.count)
    }

    /// What asks something of a partition needs its owner's permission, and nothing else does.
    @Test(arguments: operations) func aPartitionIsNamedWhereAPermissionIsNeeded(_ operation: ControlOperation) {
        let row = operation.description
        #expect(row.fields.contains(.partition) == !row.permission.isEmpty)
    }

    @Test func theManifestKnowsThemByTheSameNames() {
        let permitted = Self.operations.filter { !$0.description.permission.isEmpty }
        #expect(Set(ControlOperations.all.nameList) == Set(permitted.map(\.name)))
        // The order in which a manifest is shown is that of its bits.
        #expect(
            ControlOperations.all.nameList == [
                "start", "stop", "pause", "resume", "restart", "console-read", "console-write", "statistics",
                "self-check",
            ])
    }

    /// The codec knows each operation's fields: no more, no fewer.
    @Test(arguments: operations) func theRequestComesThroughWithItsFields(_ operation: ControlOperation) throws {
        var request = ControlRequest(operation)
        (request.partition, request.vcpu, request.position, request.on) = (label("workload"), 3, 77, true)
        let payload = try request.payload(data: [1, 2, 3])
        #expect(payload[0] == 0xA0 + UInt8(1 + operation.description.fields.count))
        let back = try ControlRequest.decode(payload.span)
        let fields = operation.description.fields
        #expect(back.operation == operation)
        #expect(string(back.partition) == (fields.contains(.partition) ? "workload" : ""))
        #expect(back.vcpu == (fields.contains(.vcpu) ? 3 : 0))
        #expect(back.position == (fields.contains(.position) ? 77 : 0))
        #expect(Array(payload[back.data]) == (fields.contains(.data) ? [1, 2, 3] : []))
        #expect(back.on == fields.contains(.on))
    }

    /// The tool has a command for each that changes a partition's state, of the same name.
    @Test(arguments: operations) func theToolHasACommand(_ operation: ControlOperation) throws {
        guard operation.description.transition != nil else { return }
        let sources = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../../Sources/Host/CLI")
        let commands = sources.appending(path: "Lifecycle/LifecycleCommand.swift")
        let text = try String(contentsOf: commands, encoding: .utf8)
        #expect(text.contains("operation = ControlOperation.\(operation)\n"))
    }

    static let states = (UInt8(0)...5).compactMap(PartitionState.init)

    /// What changes a partition's state is asked of the machine in the states of its row, and in no other.
    @Test(arguments: operations, states) func itIsTakenInTheStatesOfItsRow(
        _ operation: ControlOperation, _ state: PartitionState
    ) {
        guard let transition = operation.description.transition else { return }
        let bench = Bench()
        bench.machine.partitions[1].info.state = state
        let status = bench.ask(operation, "workload")
        let isTaken = transition.in.contains(.init(state)), isBusy = transition.busy.contains(.init(state))
        #expect(status == (isTaken ? .ok : isBusy ? .busy : .wrongState))
        #expect(bench.machine.calls == (isTaken ? ["\(operation) 1"] : []))
        #expect(!(isTaken && isBusy) && !operation.description.isRepeatable)
    }

    /// The states as they have always been (a request, the states in which it is taken, and in which it is busy).
    @Test func theStatesAreThose() {
        let rows: [(ControlOperation, [PartitionState], [PartitionState], PartitionState)] = [
            (.start, [.stopped, .crashed], [.stopping], .running),
            (.stop, [.starting, .running, .paused, .stopping], [], .stopped),
            (.pause, [.running], [.starting], .paused), (.resume, [.paused], [], .running),
            (.restart, [.stopped, .running, .paused, .crashed], [.starting, .stopping], .running),
        ]
        for (operation, taken, busy, result) in rows {
            let row = operation.description
            #expect(Self.states.filter { row.status(in: $0) == .ok } == taken, "\(operation)")
            #expect(Self.states.filter { row.status(in: $0) == .busy } == busy, "\(operation)")
            #expect(row.transition?.to == result)
        }
    }
}
