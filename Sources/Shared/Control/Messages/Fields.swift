import CBOR
import Manifest
import Text

extension CBORWriter {
    mutating func field(_ key: UInt64, _ value: UInt64) {
        self.key(key)
        uint(value)
    }

    mutating func field<let n: Int>(_ key: UInt64, _ value: borrowing Text<n>) {
        self.key(key)
        text(value.span)
    }
}

extension CBORReader {
    /// A text that a `Text<n>` holds.
    mutating func short<let n: Int>(_ capacity: Text<n>.Type) throws(CBORError) -> Text<n> {
        var result = Text<n>()
        let span = try text(max: n)
        result.append(contentsOf: span)
        return result
    }

    /// A number that names a case.
    mutating func choice<E: RawRepresentable>(_ type: E.Type) throws(CBORError) -> E where E.RawValue == UInt8 {
        guard let value = E(rawValue: UInt8(try uint(max: 255))) else { throw .outOfRange }
        return value
    }

    /// A count that fits `Int`.
    mutating func number(max: Int = .max) throws(CBORError) -> Int { Int(try uint(max: UInt64(max))) }
}
