import CBOR
import Manifest

/// What `hello` answers: the machine and the hypervisor that holds it.
public struct MachineInfo: Sendable {
    /// The hypervisor's version, e.g. "0.1.0".
    public var version = Label()
    /// The machine's name, from the manifest.
    public var name = Label()
    public var cores = 0
    /// Bytes of memory that the firmware reported as usable.
    public var memory: UInt64 = 0
    /// Bytes of the hypervisor's program: code and constants.
    public var imageBytes: UInt64 = 0
    /// Bytes of memory that the hypervisor keeps for itself, in all partitions together.
    public var hypervisorMemory: UInt64 = 0
    /// Microseconds from the hypervisor's first instruction to the first guest instruction; 0 before that.
    public var startMicroseconds: UInt64 = 0
    /// Microseconds since the hypervisor's first instruction.
    public var uptimeMicroseconds: UInt64 = 0
    public var partitions = 0
    /// Damaged frames that the hypervisor's end of the link has dropped.
    public var damagedFrames: UInt64 = 0

    public init() {}

    func write(_ writer: inout CBORWriter) {
        writer.map(11)
        writer.field(0, UInt64(ControlStatus.ok.rawValue))
        writer.field(1, version)
        writer.field(2, name)
        writer.field(3, UInt64(max(cores, 0)))
        writer.field(4, memory)
        writer.field(5, imageBytes)
        writer.field(6, hypervisorMemory)
        writer.field(7, startMicroseconds)
        writer.field(8, uptimeMicroseconds)
        writer.field(9, UInt64(max(partitions, 0)))
        writer.field(10, damagedFrames)
    }

    /// Reads the rest of a reply whose status was read by `ControlReply`.
    public init(_ reply: inout ControlReply) throws(CBORError) {
        while let key = try reply.map.next(&reply.reader) {
            switch key {
            case 1: version = try reply.reader.short(Label.self)
            case 2: name = try reply.reader.short(Label.self)
            case 3: cores = try reply.reader.number()
            case 4: memory = try reply.reader.uint()
            case 5: imageBytes = try reply.reader.uint()
            case 6: hypervisorMemory = try reply.reader.uint()
            case 7: startMicroseconds = try reply.reader.uint()
            case 8: uptimeMicroseconds = try reply.reader.uint()
            case 9: partitions = try reply.reader.number(max: Manifest.maxPartitions)
            case 10: damagedFrames = try reply.reader.uint()
            default: try reply.reader.skip()
            }
        }
        try reply.reader.finish()
    }
}
