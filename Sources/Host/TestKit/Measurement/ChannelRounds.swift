/// What was measured at one place, a sample for each round.
public struct ChannelRounds: Sendable {
    /// How many frames are sent together.
    public static let batches = [1, 8, 64]

    /// By what is done: `frame_1`, `round_trip`, `character`.
    public var costs: [String: [ChannelCost]] = [:]
    /// Instructions of all cores that work for a stream, a byte; by kind of stream.
    public var instructionsByte: [String: [Double]] = [:]
    /// Bytes a second, by kind of stream.
    public var rates: [String: [Double]] = [:]

    public init() {}
}
