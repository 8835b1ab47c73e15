import ControlClient
import Foundation
import Machines
import TestKit

/// Two guests at the ends of a wire, in partitions and under KVM: both machines are on at once and measured in turns.
struct ChannelSession {
    /// How many frames of each, round trips, characters in a window.
    private static let frames = [1: 300, 8: 1600, 64: 3200]
    private static let trips = 300
    private static let characters = 500
    /// Kinds of stream: with all that each card offers; with the same frames at both places.
    static let streams = ["offered": "offloads 1", "plain": "offloads 0"]
    static let places = ["bulkhead", "kvm"]

    private let workspace: Workspace
    let rounds: Int
    /// Of each stream.
    let seconds: Int
    private let progress: @Sendable (String) -> Void
    private(set) var places: [String: ChannelRounds] = [:]
    private(set) var kernel = ""

    init(_ workspace: Workspace, rounds: Int, seconds: Int, progress: @escaping @Sendable (String) -> Void) {
        (self.workspace, self.rounds, self.seconds, self.progress) = (workspace, rounds, seconds, progress)
    }

    /// Boots both machines twice: with the counter, and for rates without it.
    /// - Throws: `ManifestRefused`, `MachineError`, `LinkError`.
    mutating func run() throws {
        for name in Self.places { places[name] = ChannelRounds() }
        try both(isCounted: true) { session, pairs in
            for round in 1...session.rounds {
                for name in Self.places { try session.count(name, pairs[name], round) }
            }
            for pair in pairs.values { try pair.requireAgreement() }
            session.progress("  the hypervisors' own counters agree")
        }
        try both(isCounted: false) { session, pairs in
            for round in 1...session.rounds {
                for kind in Self.streams.keys.sorted() {
                    for name in Self.places { try session.rate(name, pairs[name], kind, round) }
                }
            }
        }
    }

    private mutating func both(
        isCounted: Bool, _ body: (inout ChannelSession, [String: ChannelPair]) throws -> Void
    ) throws {
        progress("Bulkhead: two partitions and a wire\(isCounted ? "; counted" : "; rates")")
        let counters = isCounted ? (try Counter(workspace), try Counter(workspace)) : nil
        let testbed = try Testbed(
            manifest: workspace.root.appending(path: "Examples/compare-wires.yaml").path, workspace,
            name: "compare-wires", extra: counters?.0.arguments ?? [])
        defer { testbed.stop() }
        let client = testbed.watch.client
        let ours = ChannelPair(
            sender: PartitionGuest(client, partition: "sender", cores: [1], counter: counters?.0),
            receiver: PartitionGuest(client, partition: "receiver", cores: [2], counter: counters?.0), ioCore: nil)
        kernel = try ours.join().kernel
        progress("KVM: two virtual machines, vhost and a bridge\(isCounted ? "; counted" : "; rates")")
        let host = try KVMHost(
            workspace, ramDisk: "kvm-wire.cpio",
            guestCommandLine: try testbed.directKernel(partition: 0).commandLine, counter: counters?.1,
            log: workspace.cache.appending(path: "boot/compare-wires-kvm.log"))
        defer { host.stop() }
        let theirs = ChannelPair(sender: try host.start(2), receiver: try host.start(3), ioCore: KVMHost.ioCore)
        _ = try theirs.join()
        try body(&self, ["bulkhead": ours, "kvm": theirs])
    }

    private mutating func count(_ name: String, _ pair: ChannelPair?, _ round: Int) throws {
        guard let pair else { return }
        var idle: ChannelWindow?
        for batch in ChannelRounds.batches {
            let count = Self.frames[batch] ?? 0
            let rests = try pair.window("rests \(batch) \(count)")
            let sent = try whole(pair, "frames \(batch) \(count)")
            idle = idle ?? rests
            add(name, "frame_\(batch)", ChannelCost(sent, rests: rests, idle: rests))
        }
        guard let idle else { return }
        let trips = try whole(pair, "pings \(Self.trips)")
        add(name, "round_trip", ChannelCost(trips, rests: nil, idle: idle))
        for kind in Self.streams.keys.sorted() {
            let (window, rate) = try stream(pair, kind)
            places[name]?.instructionsByte[kind, default: []].append(
                Double(window.instructions) / max(rate * Double(seconds), 1))
        }
        let printed = try whole(pair, "characters \(Self.characters)")
        add(name, "character", ChannelCost(printed, rests: nil, idle: idle))
        progress("  \(name), round \(round) of \(rounds) counted")
    }

    private mutating func rate(_ name: String, _ pair: ChannelPair?, _ kind: String, _ round: Int) throws {
        guard let pair else { return }
        let rate = try stream(pair, kind).rate
        places[name]?.rates[kind, default: []].append(rate)
        progress("  \(name), \(kind), round \(round) of \(rounds): \(Int(rate / 1000)) kB/s")
    }

    /// - Returns: `rate` in bytes a second.
    private func stream(_ pair: ChannelPair, _ kind: String) throws -> (window: ChannelWindow, rate: Double) {
        _ = try pair.window(Self.streams[kind] ?? "")
        let window = try pair.window("stream \(seconds)")
        return (window, Double(window.answer.received) * 125)
    }

    /// A window in which nothing was lost. On a busy host the receiver may be too slow; then it comes again.
    private func whole(_ pair: ChannelPair, _ command: String) throws -> ChannelWindow {
        var window = try pair.window(command)
        for _ in 0..<5 where window.answer.received != window.answer.count { window = try pair.window(command) }
        guard window.answer.received == window.answer.count else {
            throw MachineError.miscounted(
                "'\(command)': \(window.answer.received) of \(window.answer.count) arrived; is the host busy?")
        }
        return window
    }

    private mutating func add(_ name: String, _ what: String, _ cost: ChannelCost) {
        places[name]?.costs[what, default: []].append(cost)
    }
}
