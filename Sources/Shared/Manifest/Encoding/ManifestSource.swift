import CBOR
import Text

/// The reader, with its errors turned into the manifest's: which partition, which byte.
struct ManifestSource: ~Escapable {
    private var reader: CBORReader
    var partition: Int?

    @_lifetime(copy bytes)
    init(_ bytes: Span<UInt8>) { reader = CBORReader(bytes) }

    private func wrapped(_ error: CBORError, at offset: Int) -> ManifestError {
        ManifestError(
            .encoding, .whole, partition: partition, value: UInt64(offset), bound: UInt64(error.rawValue))
    }

    /// A map of any size: its keys then say which one is missing or unknown.
    mutating func map() throws(ManifestError) -> CBORMap {
        let offset = reader.offset
        do { return try reader.map(max: Manifest.maxEncodedSize) } catch { throw wrapped(error, at: offset) }
    }

    /// The next key; nil after the last one.
    mutating func next(_ map: inout CBORMap) throws(ManifestError) -> UInt64? {
        let offset = reader.offset
        do { return try map.next(&reader) } catch { throw wrapped(error, at: offset) }
    }

    /// The next key, which must be `expected`.
    mutating func key(_ expected: UInt64, _ map: inout CBORMap) throws(ManifestError) {
        guard try next(&map) == expected else {
            throw ManifestError(.missingKey, .whole, partition: partition, value: expected)
        }
    }

    /// Demands that the map has no further key.
    mutating func end(_ map: inout CBORMap) throws(ManifestError) {
        if let key = try next(&map) { throw ManifestError(.unknownKey, .whole, partition: partition, value: key) }
    }

    mutating func uint(max: UInt64 = .max) throws(ManifestError) -> UInt64 {
        let offset = reader.offset
        do { return try reader.uint(max: max) } catch { throw wrapped(error, at: offset) }
    }

    mutating func bool() throws(ManifestError) -> Bool {
        let offset = reader.offset
        do { return try reader.bool() } catch { throw wrapped(error, at: offset) }
    }

    mutating func text<let n: Int>(_ text: inout Text<n>) throws(ManifestError) {
        let offset = reader.offset
        do {
            let bytes = try reader.text(max: n)
            text.removeAll()
            text.append(contentsOf: bytes)
        } catch { throw wrapped(error, at: offset) }
    }

    mutating func array() throws(ManifestError) -> Int {
        let offset = reader.offset
        do { return try reader.array(max: Manifest.maxEncodedSize) } catch { throw wrapped(error, at: offset) }
    }

    /// An array that must have `count` items.
    mutating func array(of count: Int) throws(ManifestError) {
        let offset = reader.offset
        guard try array() == count else { throw wrapped(.outOfRange, at: offset) }
    }

    /// What says "none" where its absence would.
    func none(_ field: ManifestField, key: UInt64) -> ManifestError {
        ManifestError(.unknownValue, field, partition: partition, value: 0, bound: key)
    }

    mutating func action(
        _ key: UInt64, _ field: ManifestField, _ map: inout CBORMap
    ) throws(ManifestError) -> LifecycleAction {
        try self.key(key, &map)
        let value = try uint()
        guard let action = UInt8(exactly: value).flatMap(LifecycleAction.init) else {
            throw ManifestError(.unknownValue, field, partition: partition, value: value, bound: key)
        }
        return action
    }

    func finish() throws(ManifestError) {
        do { try reader.finish() } catch { throw wrapped(error, at: reader.offset) }
    }
}
