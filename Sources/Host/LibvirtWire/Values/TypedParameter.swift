/// A value with a name and a type (`virTypedParameter`), of the types that statistics have.
public struct TypedParameter: Equatable, Sendable {
    public enum Value: Equatable, Sendable {
        case int(Int32)
        case uint(UInt32)
        case ullong(UInt64)
    }

    public var field: String
    public var value: Value

    public init(_ field: String, _ value: Value) { (self.field, self.value) = (field, value) }

    public func write(_ writer: inout XDRWriter) {
        writer.string(field)
        switch value {
        case .int(let value):
            writer.int32(1)
            writer.int32(value)
        case .uint(let value):
            writer.int32(2)
            writer.uint32(value)
        case .ullong(let value):
            writer.int32(4)
            writer.uint64(value)
        }
    }
}
