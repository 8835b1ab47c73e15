import CBOR
import Control
import Manifest
import Resources
import PCI

/// A reply as a manager reads it.
public struct ReceivedReply {
    public let status: ControlStatus
    private let fields: [UInt64: CBORItem]

    /// Reads the status; `outOfRange` for one that this version does not know.
    public init(_ payload: [UInt8]) throws(CBORError) {
        fields = try CBORItem(payload).fields()
        guard let number = try fields[0]?.unsigned() else { throw .wrongType }
        guard let status = UInt8(exactly: number).flatMap(ControlStatus.init) else { throw .outOfRange }
        self.status = status
    }

    /// A reply that is one message; of a longer one, what precedes the list.
    public func message<M: ControlMessage>(_ type: M.Type = M.self) throws(CBORError) -> M {
        try MessageReader.read(fields)
    }

    /// Of `list`: the partitions, in the manifest's order.
    public func partitions() throws(CBORError) -> [PartitionInfo] {
        var partitions: [PartitionInfo] = []
        for item in try list(1, max: Manifest.maxPartitions) {
            partitions.append(try MessageReader.read(try item.fields()))
        }
        return partitions
    }

    /// Of `statistics`: the counters of some vCPUs. A newer hypervisor may have more reasons than this version knows: they
    /// are added to `other`.
    public func exits() throws(CBORError) -> [ExitCounters] {
        var vcpus: [ExitCounters] = []
        for item in try list(4, max: ExitCounters.pageCapacity) {
            var exits = ExitCounters()
            for (reason, count) in try item.array(max: 64).enumerated() {
                exits[ExitReason(rawValue: UInt8(reason)) ?? .other] &+= try count.unsigned()
            }
            vcpus.append(exits)
        }
        return vcpus
    }

    /// Of `inventory`: some items; nil where the item's kind is unknown to this version.
    public func items() throws(CBORError) -> [InventoryItem?] {
        var items: [InventoryItem?] = []
        for numbers in try list(3, max: InventoryItem.pageCapacity) {
            var values: [UInt64] = []
            for number in try numbers.array(max: 64) { values.append(try number.unsigned()) }
            guard let kind = values.first else { throw .outOfRange }
            items.append(
                UInt8(exactly: kind).flatMap(InventoryItem.Kind.init).map {
                    InventoryItem($0, Array(values.dropFirst()))
                })
        }
        return items
    }

    /// Of `statistics`: what the silicon has counted; nil where it counts nothing.
    public func traffic() throws(CBORError) -> TrafficCounters? {
        var values: [UInt64?] = []
        for item in try list(5, max: 4) {
            let value = try item.unsigned()
            values.append(value == .max ? nil : value)
        }
        guard values.count == 4, let wrap = values[3] else { return nil }
        var counters = TrafficCounters()
        (counters.occupancy, counters.total, counters.local, counters.wrap) = (values[0], values[1], values[2], wrap)
        return counters
    }

    /// Of `statistics`: the partition's ends of channels.
    public func channels() throws(CBORError) -> [ChannelCounters] {
        var channels: [ChannelCounters] = []
        for item in try list(6, max: Manifest.maxChannels) {
            channels.append(try MessageReader.read(try item.fields()))
        }
        return channels
    }

    /// Of `selfCheck`.
    public func protection() throws(CBORError) -> (vcpus: [UInt64], housekeeping: UInt64) {
        var words: [UInt64] = []
        for item in try list(1, max: 64) { words.append(try item.unsigned()) }
        return (words, try fields[2]?.unsigned() ?? 0)
    }

    /// The most bytes of a console that one reply carries.
    private static let maxConsoleBytes = 1024

    /// Of `consoleRead`.
    public func console() throws(CBORError) -> (position: UInt64, bytes: [UInt8], end: UInt64) {
        var bytes: [UInt8] = []
        if let item = fields[2] {
            guard case .bytes(let found) = item else { throw .wrongType }
            guard found.count <= Self.maxConsoleBytes else { throw .tooLong }
            bytes = found
        }
        let position = try fields[1]?.unsigned() ?? 0
        // A range that wraps around is not believed: positions are added to later.
        guard position <= UInt64(Int64.max) else { throw .outOfRange }
        return (position, bytes, try fields[3]?.unsigned() ?? 0)
    }

    /// Of `consoleWrite`: how many bytes the guest's UART took.
    public func accepted() throws(CBORError) -> Int {
        let count = try fields[1]?.unsigned() ?? 0
        guard count <= UInt64(ControlRequest.maxData) else { throw .outOfRange }
        return Int(count)
    }

    private func list(_ key: UInt64, max: Int) throws(CBORError) -> [CBORItem] {
        try fields[key]?.array(max: max) ?? []
    }
}

extension InventoryItem {
    /// As many as an item has room for.
    public static let maxValues = 13

    /// More than `maxValues` values are dropped.
    public init(_ kind: Kind, _ values: [UInt64]) {
        self.init(kind, InlineArray<0, UInt64>(repeating: 0))
        for value in values.prefix(Self.maxValues) {
            self.values[count] = value
            count += 1
        }
    }
}

extension ControlEvent {
    /// Reads an event frame's payload.
    public init(_ payload: [UInt8]) throws(CBORError) { self = try MessageReader.read(try CBORItem(payload).fields()) }
}

/// What a PCI function tried in vain, in an event's `code`: bits 15:0 requester id, 16 write, 17 interrupt, 31:24 the
/// IOMMU's own reason (VT-d 4.1, section 7; AMD I/O Virtualization 3.08, section 2.5). Root mode writes it as
/// `DeviceFault.code`.
public struct RefusedAccess: Sendable {
    public let rawValue: UInt64
    public init(rawValue: UInt64) { self.rawValue = rawValue }
    public init(requester: UInt16, isWrite: Bool, isInterrupt: Bool, reason: UInt8) {
        rawValue = UInt64(requester) | (isWrite ? 1 << 16 : 0) | (isInterrupt ? 1 << 17 : 0) | UInt64(reason) << 24
    }

    public var function: FunctionAddress { FunctionAddress(requester: UInt16(truncatingIfNeeded: rawValue)) }
    public var isWrite: Bool { rawValue >> 16 & 1 == 1 }
    public var isInterrupt: Bool { rawValue >> 17 & 1 == 1 }
    public var reason: UInt8 { UInt8(truncatingIfNeeded: rawValue >> 24) }
}
