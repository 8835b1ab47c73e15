import CBOR
import Manifest

/// What `list` says of one partition.
public struct PartitionInfo: Sendable {
    public var name = Label()
    public var state = PartitionState.stopped
    /// Why it is in this state.
    public var cause = StateCause.manifest
    public var cores = CoreSet()
    /// Bytes of guest memory.
    public var memory: UInt64 = 0
    /// How often its guest was started since the machine was.
    public var starts: UInt64 = 0
    /// Microseconds since the guest's first instruction; 0 while none runs.
    public var uptimeMicroseconds: UInt64 = 0
    /// Bytes that the hypervisor keeps for this partition, nested page tables included.
    public var hypervisorMemory: UInt64 = 0
    public var permits = ControlOperations()
    public var image = ImagePath()

    public init() {}

    func write(_ writer: inout CBORWriter) {
        writer.map(10)
        writer.field(1, name)
        writer.field(2, UInt64(state.rawValue))
        writer.field(3, UInt64(cause.rawValue))
        writer.field(4, cores.rawValue)
        writer.field(5, memory)
        writer.field(6, starts)
        writer.field(7, uptimeMicroseconds)
        writer.field(8, hypervisorMemory)
        writer.field(9, UInt64(permits.rawValue))
        writer.field(10, image)
    }

    init(_ reader: inout CBORReader) throws(CBORError) {
        var map = try reader.map(max: 64)
        while let key = try map.next(&reader) {
            switch key {
            case 1: name = try reader.short(Label.self)
            case 2: state = try reader.choice(PartitionState.self)
            case 3: cause = try reader.choice(StateCause.self)
            case 4: cores = CoreSet(rawValue: try reader.uint())
            case 5: memory = try reader.uint()
            case 6: starts = try reader.uint()
            case 7: uptimeMicroseconds = try reader.uint()
            case 8: hypervisorMemory = try reader.uint()
            case 9: permits = ControlOperations(rawValue: UInt16(try reader.uint(max: 0xFFFF)))
            case 10: image = try reader.short(ImagePath.self)
            default: try reader.skip()
            }
        }
    }
}

/// What `list` answers: all partitions, in the manifest's order.
public struct PartitionList: Sendable {
    public private(set) var partitions: InlineArray<8, PartitionInfo>
    public private(set) var count = 0

    /// Reads the rest of a reply whose status was read by `ControlReply`.
    public init(_ reply: inout ControlReply) throws(CBORError) {
        partitions = InlineArray(repeating: PartitionInfo())
        while let key = try reply.map.next(&reply.reader) {
            guard key == 1 else {
                try reply.reader.skip()
                continue
            }
            count = try reply.reader.array(max: Manifest.maxPartitions)
            for i in 0..<count { partitions[i] = try PartitionInfo(&reply.reader) }
        }
        try reply.reader.finish()
    }
}
