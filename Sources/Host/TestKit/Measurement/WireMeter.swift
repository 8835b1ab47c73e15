import Control
import ControlClient
import Foundation
import Machines

/// One boot of the guests of `Tests/Guests/wires` under the counter: what a frame on a wire costs, and a character on the virtio
/// console.
public struct WireMeter: Sendable {
    /// The phases, by their numbers in `Tests/Guests/wires/wires.h`; of frames the batch's size.
    enum Phase {
        static let small = [1: 1, 8: 2, 64: 3], large = [1: 4, 8: 5, 64: 6]
        static let roundTrip = 7, fullRate = 8, pulse = 9, character = 10, plainCharacter = 11
    }
    public static let sizes = [1, 8, 64]

    public let machine: MachineInfo
    public private(set) var batches: [BatchCost] = []
    public let roundTrip: WireCost
    /// Frames as fast as they can be sent. Those that find no room are dropped.
    public let fullRate: WireCost
    /// Of the frames that were sent then, how many were received, 0 to 1.
    public let received: Double
    /// What a partition beside it did then that has only a timer: its exits, its ticks, and those that it missed.
    public let neighbour: (exits: UInt64, ticks: UInt64, missed: UInt64)
    /// Characters on the virtio console, each by itself, and as many on the UART.
    public let characters: (count: UInt64, virtio: PhaseCost, plain: PhaseCost)
    /// How many exits were counted by the plugin and by the hypervisor alike.
    public private(set) var agreed: UInt64 = 0

    /// Boots the machine, has the guests do everything, and holds the counter against what they say and against the hypervisor's
    /// own counters.
    /// - Throws: `MachineError.miscounted` where they do not agree; `ManifestRefused`, `MachineError`, `LinkError`.
    public init(_ workspace: Workspace, progress: @escaping @Sendable (String) -> Void = { _ in }) throws {
        let counter = try CounterPlugin(workspace)
        let testbed = try counter.boot("wires", workspace, progress)
        defer { testbed.stop() }
        let guests = WireGuests(testbed)
        progress("frames in batches, round trips")
        try guests.wait("sender", for: "full-rate", seconds: 240)
        progress("frames at the full rate")
        try guests.start("pulse")
        let pulse = try guests.wait("pulse", for: "pulse", seconds: 60)
        try guests.wait("sender", for: "done", seconds: 120)
        try guests.start("printer")
        let printed = try guests.wait("printer", for: "printed", seconds: 60)
        for name in ["pulse", "printer"] { try guests.wait(name, for: "done", seconds: 60) }
        let report = try counter.report()
        try testbed.watch.refresh()
        machine = testbed.watch.machine
        let phases = WirePhases(report, try guests.cores())
        let sent = try guests.sent()
        for size in Self.sizes {
            func cost(_ phase: Int?) throws -> WireCost { try phases.cost(phase ?? 0, sent) }
            batches.append(
                BatchCost(batch: size, small: try cost(Phase.small[size]), large: try cost(Phase.large[size])))
        }
        roundTrip = try phases.cost(Phase.roundTrip, sent)
        fullRate = try phases.costAtFullRate(sent)
        received = Double(fullRate.count) / Double(max(sent[Phase.fullRate]?.frames ?? 0, 1))
        neighbour = (try phases.exitsBeside(), pulse.count("ticks"), pulse.count("missed"))
        guard neighbour.ticks > 0 else { throw MachineError.miscounted("the timer beside the wire has never ticked") }
        characters = (
            printed.count("characters"), try phases.ofPrinter(Phase.character),
            try phases.ofPrinter(Phase.plainCharacter)
        )
        guard characters.count > 0 else { throw MachineError.miscounted("the printer has printed nothing") }
        for name in ["sender", "receiver", "pulse", "printer"] { agreed += try report.compare(try guests.guest(name)) }
    }
}
