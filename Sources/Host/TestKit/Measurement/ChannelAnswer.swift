/// How a window went, as the guest of `Guests/wire` says it.
public struct ChannelAnswer: Equatable, Sendable {
    /// The command's: `frames`, `rests`, `pings`, `characters`, `stream`, `offloads`.
    public var name: String
    /// Frames, round trips, characters.
    public var count: UInt64
    /// How many of them arrived; of a stream kilobits a second.
    public var received: UInt64
    /// By the guest's clock.
    public var milliseconds: UInt64

    /// Reads a line; nil when it is another's. What the guest has printed before it may stand in front.
    public init?(_ line: some StringProtocol) {
        guard let start = line.range(of: "@bulkhead wire ") else { return nil }
        var fields: [Substring: Substring] = [:]
        for word in line[start.upperBound...].split(separator: " ") {
            let parts = word.split(separator: "=", maxSplits: 1)
            if parts.count == 2 { fields[Substring(parts[0])] = Substring(parts[1]) }
        }
        guard let name = fields["name"], let count = fields["count"].flatMap({ UInt64($0) }),
            let received = fields["received"].flatMap({ UInt64($0) }),
            let ms = fields["ms"].flatMap({ UInt64($0) })
        else { return nil }
        (self.name, self.count, self.received, milliseconds) = (String(name), count, received, ms)
    }
}
