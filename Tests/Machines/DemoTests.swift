import ControlClient
import Foundation
import Machines
import Reports
import Testing

extension MachineTests {
    /// The demo's manifest, from power-on to the steady state, in one boot.
    @Suite struct Demo {
        @Test func bothGuestsGetReadyAndTheControlLoopRunsWithoutExits() throws { try MachineTests.demo(on: .amd) }
    }
    /// On Intel's emulator a second of the machine takes several of the host: by day its silent windows are short.
    @Suite struct IntelDemo {
        @Test func bothGuestsGetReadyAndTheControlLoopRunsWithoutExits() throws { try MachineTests.demo(on: .intel) }
    }

    private static func demo(on kind: MachineKind) throws {
        let workspace = try Workspace.current()
        let testbed = try Testbed(
            manifest: workspace.demoManifest, workspace, kind: kind, name: "test-demo-\(kind)")
        defer { testbed.stop() }
        let ready = try testbed.refresh(seconds: 120) { $0.partitions.allSatisfy { $0.isReady } }
        try #require(ready, "\(MachineReport(testbed.watch, emulator: testbed.emulator).problems)")
        let control = try #require(testbed.watch.partition("control-loop"))
        let workload = try #require(testbed.watch.partition("workload"))
        #expect(control.kernel?.hasSuffix("-rt-amd64") == true)
        #expect(control.vcpus == 1)
        // Whole texts come over the link, as the manifest has them.
        #expect(control.info.image.string == "vmlinux-rt" && workload.info.image.string == "vmlinux-cloud")
        #expect(workload.kernel?.hasSuffix("-cloud-amd64") == true)
        #expect(workload.vcpus == 2)

        let seconds = kind == .intel && !Nightly.isOn ? 5 : 12
        #expect(control.measure(seconds: seconds))
        #expect(workload.measure(seconds: seconds))
        let measured = try testbed.refresh(seconds: 60) { watch in
            watch.partitions.allSatisfy { $0.steady != nil && !$0.isMeasuring }
        }
        try #require(measured)
        let steady = try #require(control.steady)
        #expect(steady.activity == "cyclictest")
        #expect(steady.seconds > Double(seconds - 3))
        #expect(steady.exits == 0, "\(steady.byReason)")
        // The loop must have run: a thousand wake-ups a second, less what a slow host loses.
        #expect((control.latency?.samples ?? 0) > 1000)

        let client = try ControlClient(testbed.machine, path: testbed.socket.path)
        for partition in [control, workload] {
            var check = SelfCheckReport()
            let limit = Duration.seconds(20 * kind.slowness)
            check.add(
                partition.name, partition.info.cores.rawValue,
                try client.selfCheck(partition.name, limit: limit).vcpus)
            #expect(check.isGood, "\(check.text)")
        }

        let report = try JSONSerialization.jsonObject(
            with: MachineReport(testbed.watch, emulator: testbed.emulator).json())
        let partitions = try #require((report as? [String: Any])?["partitions"] as? [[String: Any]])
        #expect(partitions.map { $0["ready"] as? Bool } == [true, true])
    }
}
