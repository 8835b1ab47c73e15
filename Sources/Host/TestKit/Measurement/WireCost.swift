import Control
import ControlClient

/// What a core did in one phase of the counter: the guest's exits, what they took in root mode, and in the device model.
public struct PhaseCost: Sendable, Equatable {
    /// But for `device_model`, which comes on top of another each time.
    public var exits: UInt64 = 0
    public var instructions: UInt64 = 0
    public var model: UInt64 = 0
    public var byReason: [String: UInt64] = [:]

    init() {}
    init(_ core: CounterReport.Core) {
        exits = core.exits.reduce(0) { $0 + ($1.key == ExitReason.deviceModel.name ? 0 : $1.value.count) }
        model = core.model
        instructions = core.exits.values.reduce(0) { $0 + $1.total }
        byReason = core.exits.mapValues(\.count)
    }

    static func + (a: Self, b: Self) -> Self {
        var sum = a
        sum.exits += b.exits
        sum.instructions += b.instructions
        sum.model += b.model
        sum.byReason.merge(b.byReason, uniquingKeysWith: +)
        return sum
    }
}

/// Something that went over a wire a number of times, and what both ends' cores did for it.
public struct WireCost: Sendable {
    /// Frames that were received, round trips.
    public var count: UInt64
    public var sender: PhaseCost
    public var receiver: PhaseCost

    public var exitsEach: Double { per(sender.exits + receiver.exits) }
    public var instructionsEach: Double { per(sender.instructions + receiver.instructions) }
    /// Of one end.
    public func instructions(_ end: PhaseCost) -> Double { per(end.instructions) }
    /// At the end that has more of them.
    public var exitsAtAnEnd: Double { per(max(sender.exits, receiver.exits)) }
    /// Of both ends' device models.
    public var modelEach: Double { per(sender.model + receiver.model) }
    public var byReason: [String: UInt64] { (sender + receiver).byReason }

    private func per(_ sum: UInt64) -> Double { Double(sum) / Double(max(count, 1)) }
}

/// Frames of two lengths in batches of one size: what is more for the longer ones is the copy.
public struct BatchCost: Sendable {
    public var batch: Int
    public var small: WireCost
    public var large: WireCost
    /// Bytes of a small frame, and of a large one: `Tests/Guests/wires/wires.h`.
    public static let lengths = (small: 60.0, large: 1500.0)

    /// Instructions of the device models for a byte more, of both ends: it is copied in and out.
    public var instructionsByte: Double {
        (large.modelEach - small.modelEach) / (Self.lengths.large - Self.lengths.small)
    }
    /// Of the device models, beside the copy.
    public var modelFrame: Double { large.modelEach - instructionsByte * Self.lengths.large }
    /// Instructions in root mode for a large frame, which is not copied there.
    public var instructionsFrame: Double { large.instructionsEach }
}
