import CBOR
import Text

/// A manifest's bytes: which partition is being read, and why reading ended where CBOR itself has no word for it.
struct ManifestSource: ~Escapable {
    var reader: CBORReader
    var partition: Int?
    private var refused: ManifestError?

    @_lifetime(copy bytes)
    init(_ bytes: Span<UInt8>) { reader = CBORReader(bytes) }

    /// What `error` ended with.
    func refusal(_ error: CBORError) -> ManifestError {
        refused
            ?? ManifestError(
                .encoding, partition: partition, value: UInt64(reader.itemOffset), bound: UInt64(error.rawValue))
    }

    /// Notes a refusal; the error to throw for it carries nothing.
    mutating func refuse(_ reason: ManifestError.Reason, _ value: UInt64, _ bound: UInt64 = 0) -> CBORError {
        refused = ManifestError(reason, partition: partition, value: value, bound: bound)
        return .outOfRange
    }

    /// A map of any size: its keys then say which one is missing or unknown.
    mutating func map() throws(CBORError) -> CBORMap { try reader.map(max: Manifest.maxEncodedSize) }

    /// The next key, which must be `expected`.
    mutating func key(_ expected: UInt64, _ map: inout CBORMap) throws(CBORError) {
        guard try map.next(&reader) == expected else { throw refuse(.missingKey, expected) }
    }

    /// Demands that the map has no further key.
    mutating func end(_ map: inout CBORMap) throws(CBORError) {
        if let key = try map.next(&reader) { throw refuse(.unknownKey, key) }
    }

    mutating func uint(_ key: UInt64, _ map: inout CBORMap, max: UInt64 = .max) throws(CBORError) -> UInt64 {
        try self.key(key, &map)
        return try reader.uint(max: max)
    }

    mutating func bool(_ key: UInt64, _ map: inout CBORMap) throws(CBORError) -> Bool {
        try self.key(key, &map)
        return try reader.bool()
    }

    mutating func text<let n: Int>(
        _ key: UInt64, _ map: inout CBORMap, into text: inout Text<n>
    ) throws(CBORError) {
        try self.key(key, &map)
        let bytes = try reader.text(max: n)
        text.removeAll()
        text.append(contentsOf: bytes)
    }

    /// A number that names a case.
    mutating func choice<E: RawRepresentable>(
        _ key: UInt64, _ map: inout CBORMap
    ) throws(CBORError) -> E where E.RawValue == UInt8 {
        let value = try uint(key, &map)
        guard let found = UInt8(exactly: value).flatMap(E.init(rawValue:)) else {
            throw refuse(.unknownValue, value, key)
        }
        return found
    }

    /// Bits that are all among those of `known`.
    mutating func flags<F: FlagSet>(_ key: UInt64, of known: F) throws(CBORError) -> F {
        let value = try reader.uint()
        guard value & ~UInt64(known.rawValue) == 0 else { throw refuse(.unknownValue, value, key) }
        return F(rawValue: F.RawValue(value))
    }

    /// A number from 1 on, whose absence says 0.
    mutating func count(_ key: UInt64, max: UInt64) throws(CBORError) -> UInt64 {
        let value = try reader.uint(max: max)
        if value == 0 { throw refuse(.unknownValue, value, key) }
        return value
    }

    /// An array's head, refused for `reason` when it announces more than `max` items.
    mutating func array(max: Int, _ reason: ManifestError.Reason) throws(CBORError) -> Int {
        let count = try reader.array(max: Manifest.maxEncodedSize)
        guard count <= max else { throw refuse(reason, UInt64(count), UInt64(max)) }
        return count
    }
}
