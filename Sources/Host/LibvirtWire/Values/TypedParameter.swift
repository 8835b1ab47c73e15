/// A value with a name and a type (`virTypedParameter`).
public struct TypedParameter: Equatable, Sendable {
    public enum Value: Equatable, Sendable {
        case int(Int32)
        case uint(UInt32)
        case llong(Int64)
        case ullong(UInt64)
        case double(Double)
        case boolean(Bool)
        case string(String)
    }

    public var field: String
    public var value: Value

    /// Bytes of the longest name (`VIR_TYPED_PARAM_FIELD_LENGTH`), its NUL included.
    public static let maxField = 80

    public init(_ field: String, _ value: Value) { (self.field, self.value) = (field, value) }

    public init(_ reader: inout XDRReader) throws(XDRError) {
        field = try reader.string(max: Self.maxField - 1)
        let tag = try reader.int32()
        value =
            switch tag {
            case 1: .int(try reader.int32())
            case 2: .uint(try reader.uint32())
            case 3: .llong(try reader.int64())
            case 4: .ullong(try reader.uint64())
            case 5: .double(try reader.double())
            case 6: .boolean(try reader.bool())
            case 7: .string(try reader.string())
            default: throw .unknownCase(tag)
            }
    }

    public func write(_ writer: inout XDRWriter) {
        writer.string(field)
        switch value {
        case .int(let value):
            writer.int32(1)
            writer.int32(value)
        case .uint(let value):
            writer.int32(2)
            writer.uint32(value)
        case .llong(let value):
            writer.int32(3)
            writer.int64(value)
        case .ullong(let value):
            writer.int32(4)
            writer.uint64(value)
        case .double(let value):
            writer.int32(5)
            writer.double(value)
        case .boolean(let value):
            writer.int32(6)
            writer.bool(value)
        case .string(let value):
            writer.int32(7)
            writer.string(value)
        }
    }
}
