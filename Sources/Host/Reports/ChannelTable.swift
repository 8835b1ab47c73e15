import Control
import ControlClient
import ManifestRules

/// What one end of a channel has done, in all or since an earlier moment.
public struct ChannelCount: Encodable {
    var channel: String
    /// Whose end it is.
    var partition: String
    /// Whether both ends have a driver; absent of shared memory, of which nothing is known.
    var link: Bool?
    /// Frames that this end has sent, and their bytes; what it was to send and was dropped; how often it has interrupted the
    /// other end's guest.
    var frames, bytes, dropped, kicks: UInt64

    /// Of all of a partition's ends.
    public static func all(
        _ partition: String, _ now: PartitionStatistics, since: PartitionStatistics? = nil
    ) -> [ChannelCount] {
        now.channels.enumerated().map { index, end in
            let earlier = since.flatMap { index < $0.channels.count ? $0.channels[index] : nil } ?? ChannelCounters()
            return ChannelCount(
                channel: end.name.string, partition: partition,
                link: end.link == ChannelCounters.memory ? nil : end.link == 1,
                frames: end.frames &- earlier.frames, bytes: end.bytes &- earlier.bytes,
                dropped: end.dropped &- earlier.dropped, kicks: end.kicks &- earlier.kicks)
        }
    }
}

/// A row for each end of a channel, behind an empty line; nothing where there is none.
public struct ChannelTable {
    public let lines: [String]

    public init(_ counts: [ChannelCount]) {
        guard !counts.isEmpty else {
            lines = []
            return
        }
        var table = TextTable(
            ["CHANNEL", "SENDER", "LINK", "FRAMES", "BYTES", "DROPPED", "KICKS"], numbers: [3, 4, 5, 6])
        for end in counts.sorted(by: { ($0.channel, $0.partition) < ($1.channel, $1.partition) }) {
            table.add(
                [printable(end.channel), printable(end.partition), end.link.map { $0 ? "up" : "down" } ?? "memory"]
                    + [end.frames, end.bytes, end.dropped, end.kicks].map { end.link == nil ? "-" : String($0) })
        }
        lines = [""] + table.lines
    }
}
