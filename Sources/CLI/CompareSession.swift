import Foundation
import Machines

/// The same guest bare, in a partition and under KVM, one after the other, on the same emulated machine.
struct CompareSession {
    /// What was seen of the guest in one place.
    struct Peer: Encodable {
        /// Stable: `bare`, `bulkhead`, `kvm`.
        let name: String
        /// For people.
        let title: String
        let start: GuestStart
        var windows: [GuestWindow] = []
        /// The latency window with nobody else at work.
        var alone: GuestWindow?
        /// The same beside a neighbour that storms memory, exits and IPIs.
        var besideNeighbour: GuestWindow?
    }

    /// In silent windows of a guest with one vCPU.
    static let activities = ["idle", "busy", "cyclictest", "timer10k", "syscalls", "faults", "forks"]
    /// In those of a guest with two.
    static let pairActivities = ["smp"]
    private static let order = ["bare", "bulkhead", "kvm"]
    static let latency = "histogram"
    static let neighbour = "storm"

    let workspace: Workspace
    /// Of each silent window.
    let seconds: Int
    private let progress: @Sendable (String) -> Void
    private(set) var peers: [Peer] = []

    init(_ workspace: Workspace, seconds: Int, progress: @escaping @Sendable (String) -> Void) {
        (self.workspace, self.seconds, self.progress) = (workspace, seconds, progress)
    }

    /// - Throws: `ManifestRefused`, `MachineError`, `LinkError`.
    mutating func run() throws {
        let direct = try partition()
        try kvm(commandLine: direct.commandLine)
        try bare(direct)
        peers.sort { Self.order.firstIndex(of: $0.name) ?? 0 < Self.order.firstIndex(of: $1.name) ?? 0 }
    }

    /// Gives what the others must boot too.
    private mutating func partition() throws -> Emulator.DirectKernel {
        progress("Bulkhead: a partition with one core, beside it one with two")
        let testbed = try Testbed(manifest: workspace.compareManifest, workspace, name: "compare")
        defer { testbed.stop() }
        let measured = PartitionGuest(testbed.watch.client, partition: "measured")
        var peer = Peer(
            name: "bulkhead", title: "Bulkhead partition", start: try measured.waitUntilReady(seconds: 120))
        try windows(Self.activities, measured, &peer)
        let pair = PartitionGuest(testbed.watch.client, partition: "pair")
        try testbed.watch.client.change(.start, "pair")
        _ = try pair.waitUntilReady(seconds: 60)
        try windows(Self.pairActivities, pair, &peer)
        peer.alone = try measured.measure(Self.latency, seconds: seconds)
        try pair.run(Self.neighbour)
        peer.besideNeighbour = try measured.measure(Self.latency, seconds: seconds)
        peers.append(peer)
        return try testbed.directKernel(partition: 0)
    }

    private mutating func kvm(commandLine: String) throws {
        progress("KVM, tuned for real time: a virtual machine with one core, later beside it one with two")
        let host = try KVMHost(
            workspace, guestCommandLine: commandLine, log: workspace.cache.appending(path: "boot/compare-kvm.log"))
        defer { host.stop() }
        try host.trace(true)
        let measured = try host.start(0)
        var peer = Peer(name: "kvm", title: "KVM, tuned", start: try measured.waitUntilReady(seconds: 180))
        try windows(Self.activities, measured, &peer)
        let pair = try host.start(1)
        _ = try pair.waitUntilReady(seconds: 180)
        try windows(Self.pairActivities, pair, &peer)
        try host.trace(false)
        peer.alone = try measured.measure(Self.latency, seconds: seconds)
        try pair.run(Self.neighbour)
        peer.besideNeighbour = try measured.measure(Self.latency, seconds: seconds)
        peers.append(peer)
    }

    private mutating func bare(_ direct: Emulator.DirectKernel) throws {
        progress("bare: a machine with one core, then one with two")
        var emulator = Emulator()
        (emulator.cores, emulator.memory) = (1, 128 << 20)
        let log = workspace.cache.appending(path: "boot/compare-bare.log")
        let single = try BareGuest(emulator, direct, log: log)
        defer { single.stop() }
        var peer = Peer(name: "bare", title: "bare metal", start: try single.waitUntilReady(seconds: 120))
        try windows(Self.activities, single, &peer)
        peer.alone = try single.measure(Self.latency, seconds: seconds)
        single.stop()
        emulator.cores = 2
        let pair = try BareGuest(emulator, direct, log: log)
        defer { pair.stop() }
        _ = try pair.waitUntilReady(seconds: 120)
        try windows(Self.pairActivities, pair, &peer)
        peers.append(peer)
    }

    private func windows(_ activities: [String], _ guest: some MeasuredGuest, _ peer: inout Peer) throws {
        for activity in activities {
            let window = try guest.measure(activity, seconds: seconds)
            peer.windows.append(window)
            let exits = window.exitsPerSecond.map { String(format: "%.1f exits/s", $0) } ?? "no exits"
            progress("  \(activity): \(exits)")
        }
    }
}
