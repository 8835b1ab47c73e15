import CBOR

/// What `statistics` answers: the exit counters of at most `maxVCPUs` vCPUs, from the one that was asked for on. Ask
/// again from `next` on while that is below `vcpus`.
public struct Statistics: Sendable {
    /// As many as one frame holds, with each counter at its largest.
    public static let maxVCPUs = 12

    /// The machine's clock, microseconds since the hypervisor's first instruction: what rates are computed with.
    public private(set) var clockMicroseconds: UInt64 = 0
    /// How many vCPUs the partition has.
    public private(set) var vcpus = 0
    /// The first vCPU in `exits`.
    public private(set) var first = 0
    public private(set) var exits: InlineArray<12, ExitCounters>
    /// How many of `exits` are meant.
    public private(set) var count = 0

    public var next: Int { first + count }

    /// Writes all but the counters of `count` vCPUs, which must follow.
    static func writeHead(_ writer: inout CBORWriter, clock: UInt64, vcpus: Int, first: Int, count: Int) {
        writer.map(5)
        writer.field(0, UInt64(ControlStatus.ok.rawValue))
        writer.field(1, clock)
        writer.field(2, UInt64(max(vcpus, 0)))
        writer.field(3, UInt64(first))
        writer.key(4)
        writer.array(count)
    }

    static func write(_ writer: inout CBORWriter, _ exits: borrowing ExitCounters) {
        writer.array(ExitReason.count)
        for i in 0..<ExitReason.count { writer.uint(exits.counts[i]) }
    }

    /// Reads the rest of a reply whose status was read by `ControlReply`.
    public init(_ reply: inout ControlReply) throws(CBORError) {
        exits = InlineArray(repeating: ExitCounters())
        while let key = try reply.map.next(&reply.reader) {
            switch key {
            case 1: clockMicroseconds = try reply.reader.uint()
            case 2: vcpus = try reply.reader.number(max: 64)
            case 3: first = try reply.reader.number(max: 63)
            case 4:
                count = try reply.reader.array(max: Self.maxVCPUs)
                for vcpu in 0..<count { try Self.read(&reply.reader, &exits[vcpu]) }
            default: try reply.reader.skip()
            }
        }
        try reply.reader.finish()
    }

    /// A newer hypervisor may have more reasons than this version knows: they are added to `other`.
    private static func read(_ reader: inout CBORReader, _ exits: inout ExitCounters) throws(CBORError) {
        let reasons = try reader.array(max: 64)
        for i in 0..<reasons {
            exits[ExitReason(rawValue: UInt8(i)) ?? .other] &+= try reader.uint()
        }
    }
}
