import CBOR
import Manifest
import Text

/// A request: a map {0: operation, 1: partition, 2: first vCPU, 3: console position, 4: bytes, 5: on}, of which each
/// operation has exactly the fields that it needs.
public struct ControlRequest: Sendable {
    /// The most that one `consoleWrite` carries.
    public static let maxData = 1024

    public var operation: ControlOperation
    public var partition = Label()
    /// `statistics`: the first vCPU of interest, 0 to 63.
    public var vcpu = 0
    /// `consoleRead`: the stream position from which on bytes are wanted. Earlier bytes are acknowledged thereby.
    /// `inventory`: the first item of interest.
    public var position: UInt64 = 0
    /// `consoleWrite`: where in the payload the bytes are.
    public var dataStart = 0
    public var dataCount = 0
    /// `events`: whether the stream is wanted.
    public var on = false

    public init(_ operation: ControlOperation) { self.operation = operation }

    /// The keys beside 0 that an operation has, as bits.
    private static func fields(_ operation: ControlOperation) -> UInt8 {
        switch operation {
        case .hello, .list: 0
        case .statistics: 1 << 1 | 1 << 2
        case .consoleRead: 1 << 1 | 1 << 3
        case .consoleWrite: 1 << 1 | 1 << 4
        case .start, .stop, .pause, .resume, .restart: 1 << 1
        case .events: 1 << 5
        case .inventory: 1 << 3
        }
    }

    /// Reads a request from a frame's payload: the request, or `malformed` or `unknownOperation`.
    public static func decode(_ payload: borrowing Span<UInt8>) -> Result {
        do throws(CBORError) { return try read(payload) } catch { return .refused(.malformed) }
    }

    public enum Result: Sendable {
        case request(ControlRequest)
        case refused(ControlStatus)
    }

    private static func read(_ payload: borrowing Span<UInt8>) throws(CBORError) -> Result {
        var reader = CBORReader(copy payload)
        var map = try reader.map(max: 6)
        guard try map.next(&reader) == 0 else { return .refused(.malformed) }
        guard let operation = ControlOperation(rawValue: UInt8(try reader.uint(max: 255))) else {
            while try map.next(&reader) != nil { try reader.skip() }
            try reader.finish()
            return .refused(.unknownOperation)
        }
        var request = ControlRequest(operation)
        var found: UInt8 = 0
        while let key = try map.next(&reader) {
            switch key {
            case 1:
                let text = try reader.text(max: 31)
                request.partition.append(contentsOf: text)
            case 2: request.vcpu = Int(try reader.uint(max: 63))
            case 3: request.position = try reader.uint()
            case 4:
                request.dataCount = try reader.bytes(max: maxData).count
                request.dataStart = reader.offset - request.dataCount
            case 5: request.on = try reader.bool()
            default: return .refused(.malformed)
            }
            found |= 1 << UInt8(key)
        }
        try reader.finish()
        return found == fields(operation) ? .request(request) : .refused(.malformed)
    }

    /// Writes the request, with `data` for `consoleWrite`; returns the payload's length in bytes.
    public func encode(into output: consuming MutableSpan<UInt8>, data: borrowing Span<UInt8>) throws(CBORError) -> Int
    {
        let fields = Self.fields(operation)
        var writer = CBORWriter(output)
        writer.map(1 + fields.nonzeroBitCount)
        writer.key(0)
        writer.uint(UInt64(operation.rawValue))
        if fields & 1 << 1 != 0 { writer.field(1, partition) }
        if fields & 1 << 2 != 0 { writer.field(2, UInt64(max(vcpu, 0))) }
        if fields & 1 << 3 != 0 { writer.field(3, position) }
        if fields & 1 << 4 != 0 {
            writer.key(4)
            writer.bytes(data)
        }
        if fields & 1 << 5 != 0 {
            writer.key(5)
            writer.bool(on)
        }
        return try writer.finish()
    }
}
