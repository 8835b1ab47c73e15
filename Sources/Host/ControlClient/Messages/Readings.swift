import Control
import Manifest
import Resources
import Text

extension Text {
    /// The text as a `String`.
    public var string: String { String(decoding: (0..<count).map { bytes[$0] }, as: UTF8.self) }
}

extension ExitReason {
    /// All reasons, in the order of their counters.
    public static var all: [ExitReason] { (0..<UInt8(count)).compactMap { ExitReason(rawValue: $0) } }
}

extension ExitCounters {
    /// Exits for all reasons together.
    public var total: UInt64 { ExitReason.all.reduce(0) { $0 &+ self[$1] } }
}

/// A partition's exit counters at one moment.
public struct PartitionStatistics: Sendable {
    /// The machine's clock, in microseconds.
    public var clockMicroseconds: UInt64
    /// One for each vCPU.
    public var vcpus: [ExitCounters]
    /// What the silicon has counted of it; nil where it counts nothing.
    public var traffic: TrafficCounters?
    /// What its ends of channels have done.
    public var channels: [ChannelCounters] = []

    public init(clockMicroseconds: UInt64, vcpus: [ExitCounters]) {
        self.clockMicroseconds = clockMicroseconds
        self.vcpus = vcpus
    }

    /// Exits for one reason, all vCPUs together.
    public func exits(_ reason: ExitReason) -> UInt64 { vcpus.reduce(0) { $0 &+ $1[reason] } }

    public var total: UInt64 { vcpus.reduce(0) { $0 &+ $1.total } }
}

/// A piece of a partition's console.
public struct ConsoleText: Sendable {
    /// The stream position of the first byte.
    public var position: UInt64
    public var bytes: [UInt8]
    /// The position of the guest's next byte: above `next` while there is more to fetch.
    public var end: UInt64
    /// How many bytes between the asked position and `position` the guest has overwritten.
    public var lost: UInt64

    /// Where to read on.
    public var next: UInt64 { position + UInt64(bytes.count) }
}

/// An event, with how many before it got lost on the way.
public struct NumberedEvent: Sendable {
    public var sequence: UInt32
    public var event: ControlEvent
    /// Events just before this one that never came: lost on the line or dropped by the hypervisor.
    public var missed: UInt64

    public init(sequence: UInt32, event: ControlEvent, missed: UInt64) {
        self.sequence = sequence
        self.event = event
        self.missed = missed
    }
}
