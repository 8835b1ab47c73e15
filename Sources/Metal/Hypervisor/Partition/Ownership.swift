import Resources
import Text

/// One physical core. Noncopyable: who consumes it owns it, and giving it away twice does not compile (law 5).
struct OwnedCore: ~Copyable {
    let index: Int
    let apicID: UInt32
    fileprivate init(index: Int, apicID: UInt32) {
        self.index = index
        self.apicID = apicID
    }
}

/// Physical memory from `base` on, in bytes, with one owner.
struct FrameRange: ~Copyable {
    let base: UInt64
    let size: UInt64
    /// By which it is encrypted.
    let key: KeyIdentifier
    fileprivate init(base: UInt64, size: UInt64, _ key: consuming KeyIdentifier) {
        self.base = base
        self.size = size
        self.key = key
    }
    /// As page tables have it; nothing else ever maps a guest's frame.
    var physical: UInt64 { key.bits.encode(base) }
}

/// The tag of one partition's translations in the TLB; 0 is the hypervisor's own.
struct AddressSpaceID: ~Copyable {
    let raw: UInt32
    fileprivate init(raw: UInt32) { self.raw = raw }
}

/// What of the machine is still without an owner. The manifest was validated before; this makes a mistake in
/// between a refusal instead of a resource in two partitions.
struct Ownership: ~Copyable {
    private var freeCores: UInt64
    private let tables: FirmwareTables
    private var keys: MemoryKeys
    private var nextASID: UInt32 = 1
    private var taken = BoundedList<64, Range<UInt64>>(unused: 0..<0)

    init(_ tables: borrowing FirmwareTables, _ keys: MemoryKeys) {
        self.keys = keys
        self.tables = copy tables
        let count = tables.processorCount
        freeCores = count == 64 ? .max : 1 << UInt64(count) - 1
    }

    /// The core with this index; nil when the machine has none or it is owned already.
    mutating func takeCore(_ index: Int) -> OwnedCore? {
        guard index >= 0 && index < 64 && freeCores >> UInt64(index) & 1 == 1 else { return nil }
        freeCores &= ~(1 << UInt64(index))
        return OwnedCore(index: index, apicID: tables.apicIDs[index])
    }

    /// Records memory that the firmware has just given us; nil when any byte of it is owned already.
    mutating func takeFrames(base: UInt64, size: UInt64, _ choice: MemoryKeyChoice) -> FrameRange? {
        guard size > 0, base <= .max - size else { return nil }
        let range = base..<base + size
        guard taken.first(where: { $0.overlaps(range) }) == nil, let key = keys.take(choice), taken.append(range)
        else { return nil }
        return FrameRange(base: base, size: size, key)
    }

    mutating func takeAddressSpace() -> AddressSpaceID {
        nextASID += 1
        return AddressSpaceID(raw: nextASID - 1)
    }
}
