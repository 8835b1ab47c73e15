import CBOR
import Control
import Text

/// Reads the fields of a message. One that is missing keeps its value; one that this version does not know is left out, so
/// that a newer hypervisor may say more.
struct MessageReader: FieldCoder {
    private let fields: [UInt64: CBORItem]
    /// The first field that cannot be read.
    private var error: CBORError?

    /// Reads a message from a map.
    static func read<M: ControlMessage>(_ fields: [UInt64: CBORItem]) throws(CBORError) -> M {
        var reader = MessageReader(fields: fields)
        var message = M()
        message.fields(&reader)
        if let error = reader.error { throw error }
        return message
    }

    private init(fields: [UInt64: CBORItem]) { self.fields = fields }

    private mutating func number(_ key: UInt64) -> UInt64? {
        guard let item = fields[key] else { return nil }
        do throws(CBORError) { return try item.unsigned() } catch { return fail(error) }
    }

    private mutating func fail<T>(_ reason: CBORError) -> T? {
        error = error ?? reason
        return nil
    }

    mutating func field<I: FixedWidthInteger>(_ key: UInt64, _ value: inout I, max: I) {
        guard let number = number(key) else { return }
        value = I(exactly: number).flatMap { $0 <= max ? $0 : nil } ?? fail(.outOfRange) ?? value
    }

    mutating func field<E: RawRepresentable>(_ key: UInt64, _ value: inout E) where E.RawValue: FixedWidthInteger {
        guard let number = number(key) else { return }
        value = E.RawValue(exactly: number).flatMap(E.init) ?? fail(.outOfRange) ?? value
    }

    mutating func field<let n: Int>(_ key: UInt64, _ value: inout Text<n>) {
        guard let item = fields[key] else { return }
        guard case .text(let bytes) = item else { return fail(.wrongType) ?? () }
        value.removeAll()
        if !value.append(contentsOf: bytes.span) { error = error ?? .tooLong }
    }
}
