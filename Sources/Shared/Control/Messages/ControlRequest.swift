import CBOR
import Manifest
import Text

/// The fields of a request beside the operation, which has key 0. A field's bit is that of its key.
public struct RequestFields: FlagSet, Sendable {
    public let rawValue: UInt8
    public init(rawValue: UInt8) { self.rawValue = rawValue }
    public static let partition = RequestFields(rawValue: 1 << 1)
    public static let vcpu = RequestFields(rawValue: 1 << 2)
    public static let position = RequestFields(rawValue: 1 << 3)
    public static let data = RequestFields(rawValue: 1 << 4)
    public static let on = RequestFields(rawValue: 1 << 5)
}

/// A request: a map {0: operation, 1: partition, 2: first vCPU, 3: position, 4: bytes, 5: on}, of which each operation has
/// exactly the fields that its description lists.
public struct ControlRequest: Sendable {
    /// The most bytes that one `consoleWrite` carries.
    public static let maxData = 1024

    public var operation: ControlOperation
    public var partition = Label()
    /// `statistics`: the first vCPU of interest, 0 to 63.
    public var vcpu = 0
    /// `consoleRead`: the stream position from which on bytes are wanted. `inventory`: the first item of interest.
    public var position: UInt64 = 0
    /// `consoleWrite`: where in the payload the bytes are.
    public var data = 0..<0
    /// `events`: whether the stream is wanted.
    public var on = false

    public init(_ operation: ControlOperation) { self.operation = operation }

    /// Reads a request from a frame's payload; throws `malformed` or `unknownOperation`.
    public static func decode(_ payload: borrowing Span<UInt8>) throws(ControlStatus) -> ControlRequest {
        let request: ControlRequest?
        do throws(CBORError) { request = try read(payload) } catch { throw .malformed }
        guard let request else { throw .unknownOperation }
        return request
    }

    /// nil for an operation that this version does not know.
    private static func read(_ payload: borrowing Span<UInt8>) throws(CBORError) -> ControlRequest? {
        var reader = CBORReader(copy payload)
        var map = try reader.map(max: 6)
        guard try map.next(&reader) == 0 else { throw .wrongType }
        guard let operation = ControlOperation(rawValue: UInt8(try reader.uint(max: 255))) else { return nil }
        var request = ControlRequest(operation)
        var found = RequestFields()
        while let key = try map.next(&reader) {
            switch key {
            case 1:
                let text = try reader.text(max: 31)
                request.partition.append(contentsOf: text)
            case 2: request.vcpu = Int(try reader.uint(max: 63))
            case 3: request.position = try reader.uint()
            case 4:
                let count = try reader.bytes(max: maxData).count
                request.data = reader.offset - count..<reader.offset
            case 5: request.on = try reader.bool()
            default: throw .wrongType
            }
            found.insert(RequestFields(rawValue: 1 << UInt8(key)))
        }
        try reader.finish()
        guard found == operation.description.fields else { throw .wrongType }
        return request
    }
}
