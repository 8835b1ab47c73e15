import CBOR
import Resources
import Text
import Trust

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
        try self.text(into: &text)
    }

    mutating func text<let n: Int>(into text: inout Text<n>) throws(CBORError) {
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
    mutating func flags<F: FlagSet>(_ key: UInt64, of known: F, least: UInt64 = 0) throws(CBORError) -> F {
        let value = try reader.uint()
        guard value >= least, value & ~UInt64(known.rawValue) == 0 else { throw refuse(.unknownValue, value, key) }
        return F(rawValue: F.RawValue(value))
    }

    /// A number from 1 on, whose absence says 0.
    mutating func count(_ key: UInt64, max: UInt64) throws(CBORError) -> UInt64 {
        let value = try reader.uint(max: max)
        if value == 0 { throw refuse(.unknownValue, value, key) }
        return value
    }

    mutating func digest(into digest: inout Digest384) throws(CBORError) {
        let bytes = try reader.bytes(max: Digest384.bytes)
        guard bytes.count == Digest384.bytes else { throw .outOfRange }
        for i in 0..<Digest384.bytes { digest[i] = bytes[i] }
    }

    /// What is asked of the silicon: an array of four numbers, which must ask for something.
    mutating func resources(_ key: UInt64, most: MemoryKeyDemand) throws(CBORError) -> ResourceDemand {
        guard try reader.array(max: 4) == 4 else { throw .outOfRange }
        var values = [4 of UInt16](repeating: 0)
        for i in 0..<4 { values[i] = UInt16(try reader.uint(max: UInt64(UInt16.max))) }
        var demand = ResourceDemand()
        guard let l3 = CacheDemand(rawValue: values[0]), let l2 = CacheDemand(rawValue: values[1]),
            let bandwidth = BandwidthDemand(rawValue: values[2]), values[3] <= UInt16(most.rawValue),
            let memoryKey = MemoryKeyDemand(rawValue: UInt8(values[3]))
        else { throw refuse(.unknownValue, 0, key) }
        (demand.l3, demand.l2, demand.bandwidth, demand.memoryKey) = (l3, l2, bandwidth, memoryKey)
        guard !demand.isEmpty else { throw refuse(.unknownValue, 0, key) }
        return demand
    }

    /// An array's head, refused for `reason` when it announces more than `max` items.
    mutating func array(max: Int, _ reason: ManifestError.Reason) throws(CBORError) -> Int {
        let count = try reader.array(max: Manifest.maxEncodedSize)
        guard count <= max else { throw refuse(reason, UInt64(count), UInt64(max)) }
        return count
    }
}
