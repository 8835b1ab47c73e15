import CBOR
import Text

/// What travels on the link as a map with numbered fields. It names each of them once, for both ends.
public protocol ControlMessage {
    /// Nothing known.
    init()
    static var fieldCount: Int { get }
    /// Goes through all fields, in the order of their keys.
    mutating func fields<C: FieldCoder & ~Copyable & ~Escapable>(_ coder: inout C)
}

/// Does something with each field of a message: the hypervisor's end writes them, the manager's end reads them.
public protocol FieldCoder: ~Copyable, ~Escapable {
    /// A number of at most `max`.
    mutating func field<I: FixedWidthInteger>(_ key: UInt64, _ value: inout I, max: I)
    /// A number that stands for something.
    mutating func field<E: RawRepresentable>(_ key: UInt64, _ value: inout E) where E.RawValue: FixedWidthInteger
    mutating func field<let n: Int>(_ key: UInt64, _ value: inout Text<n>)
}

extension FieldCoder where Self: ~Copyable & ~Escapable {
    mutating func field<I: FixedWidthInteger>(_ key: UInt64, _ value: inout I) { field(key, &value, max: .max) }
}

extension CBORWriter: FieldCoder {
    public mutating func field<I: FixedWidthInteger>(_ key: UInt64, _ value: inout I, max: I) {
        field(key, UInt64(clamping: value))
    }

    public mutating func field<E: RawRepresentable>(_ key: UInt64, _ value: inout E)
    where E.RawValue: FixedWidthInteger { field(key, UInt64(clamping: value.rawValue)) }

    public mutating func field<let n: Int>(_ key: UInt64, _ value: inout Text<n>) {
        self.key(key)
        text(count: value.count) { value.bytes[$0] }
    }

    mutating func field(_ key: UInt64, _ value: UInt64) {
        self.key(key)
        uint(value)
    }

    /// A message as a map of its own.
    public mutating func message<M: ControlMessage>(_ message: M) {
        var message = message
        map(M.fieldCount)
        message.fields(&self)
    }
}
