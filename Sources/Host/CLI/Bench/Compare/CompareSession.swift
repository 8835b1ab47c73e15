import Foundation
import Machines
import TestKit

/// The same guest bare, in a partition and under KVM, one after the other, on the same emulated machine.
struct CompareSession {
    /// What was seen of the guest in one place.
    struct Peer: Encodable {
        /// Stable: `bare`, `bulkhead`, `kvm`.
        let name: String
        /// For people.
        let title: String
        /// Of the boot that was counted; its time is that of the boot that was not, which is faster.
        var start: GuestStart
        /// Counted.
        var windows: [GuestWindow] = []
        /// The latency window with nobody else at work; not counted, since that slows the machine down.
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

    /// Boots each place twice: with the counter, and for times without it.
    /// - Throws: `ManifestRefused`, `MachineError`, `LinkError`.
    mutating func run() throws {
        let direct = try partition(Counter(workspace))
        try kvm(direct, Counter(workspace))
        try bare(direct, Counter(workspace))
        _ = try partition(nil)
        try kvm(direct, nil)
        try bare(direct, nil)
        peers.sort { Self.order.firstIndex(of: $0.name) ?? 0 < Self.order.firstIndex(of: $1.name) ?? 0 }
    }

    /// Gives what the others must boot too.
    private mutating func partition(_ counter: Counter?) throws -> Emulator.DirectKernel {
        progress("Bulkhead: a partition with one core, later beside it one with two" + Self.with(counter))
        let testbed = try Testbed(
            manifest: workspace.compareManifest, workspace, name: "compare", extra: counter?.arguments ?? [])
        defer { testbed.stop() }
        let client = testbed.watch.client
        let measured = PartitionGuest(client, partition: "measured", cores: [1], counter: counter)
        let start = try measured.waitUntilReady(seconds: 180)
        try measure(Peer(name: "bulkhead", title: "Bulkhead partition", start: start), measured) {
            try client.change(.start, "pair")
            return PartitionGuest(client, partition: "pair", cores: [2, 3], counter: counter)
        }
        return try testbed.directKernel(partition: 0)
    }

    private mutating func kvm(_ direct: Emulator.DirectKernel, _ counter: Counter?) throws {
        progress("KVM: a virtual machine with one core, later beside it one with two" + Self.with(counter))
        let host = try KVMHost(
            workspace, guestCommandLine: direct.commandLine, counter: counter,
            log: workspace.cache.appending(path: "boot/compare-kvm.log"))
        defer { host.stop() }
        let measured = try host.start(0)
        let start = try measured.waitUntilReady(seconds: 180)
        try measure(Peer(name: "kvm", title: "KVM, tuned", start: start), measured) { try host.start(1) }
    }

    private mutating func bare(_ direct: Emulator.DirectKernel, _ counter: Counter?) throws {
        progress("bare: a machine with one core" + (counter == nil ? "" : ", then one with two") + Self.with(counter))
        let log = workspace.cache.appending(path: "boot/compare-bare.log")
        let single = try BareGuest(cores: 1, direct, counter: counter, log: log)
        defer { single.stop() }
        let start = try single.waitUntilReady(seconds: 120)
        var second: BareGuest?
        let another = try counter.map { _ in try Counter(workspace) }
        defer { second?.stop() }
        try measure(Peer(name: "bare", title: "bare metal", start: start), single) {
            // There is no room for a neighbour on a bare machine: that would be the same guest.
            guard let another else { return nil }
            single.stop()
            second = try BareGuest(cores: 2, direct, counter: another, log: log)
            return second
        }
    }

    /// The windows when the guest has a counter, else the latencies.
    /// - Parameter startPair: starts the guest with two vCPUs, if there can be one.
    private mutating func measure(
        _ peer: Peer, _ guest: some MeasuredGuest, startPair: () throws -> (any MeasuredGuest)?
    ) throws {
        guard guest.counter != nil else { return try time(peer, guest, startPair: startPair) }
        var peer = peer
        try windows(Self.activities, guest, &peer)
        if let pair = try startPair() {
            _ = try pair.waitUntilReady(seconds: 180)
            try windows(Self.pairActivities, pair, &peer)
        }
        peers.append(peer)
    }

    private mutating func time(
        _ peer: Peer, _ guest: some MeasuredGuest, startPair: () throws -> (any MeasuredGuest)?
    ) throws {
        guard let index = peers.firstIndex(where: { $0.name == peer.name }) else { return }
        peers[index].start.kernelMilliseconds = peer.start.kernelMilliseconds
        peers[index].alone = try guest.measure(Self.latency, seconds: seconds)
        progress(
            "  \(peer.start.kernelMilliseconds) ms to user space; latency alone measured\(Self.remark(peers[index].alone))"
        )
        guard let pair = try startPair() else { return }
        _ = try pair.waitUntilReady(seconds: 180)
        try pair.run(Self.neighbour)
        peers[index].besideNeighbour = try guest.measure(Self.latency, seconds: seconds)
        progress("  latency beside a storming neighbour measured\(Self.remark(peers[index].besideNeighbour))")
    }

    private func windows(_ activities: [String], _ guest: some MeasuredGuest, _ peer: inout Peer) throws {
        for activity in activities {
            let window = try guest.measure(activity, seconds: seconds)
            peer.windows.append(window)
            progress(
                "  \(activity): \(window.counts?.exitCount ?? 0) exits in \(window.seconds) s\(Self.remark(window))")
        }
    }

    private static func remark(_ window: GuestWindow?) -> String {
        window?.askedAgain == true ? " (it had to be asked twice)" : ""
    }
    private static func with(_ counter: Counter?) -> String { counter == nil ? "; times" : "; counted" }
}
