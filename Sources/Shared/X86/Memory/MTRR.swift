import Text

/// The memory types that firmware gave to physical addresses, from the raw values of the memory type range registers (Intel
/// SDM volume 3A, section 12.11; 11.11 in editions before 2023). Reserved types count as uncacheable.
public struct MTRRMap: Sendable {
    /// Below this address the fixed registers decide where they are on.
    private static let fixedEnd: UInt64 = 1 << 20
    /// FIX64K, FIX16K (two) and FIX4K (eight), in the order of the addresses that they describe.
    private static let fixedRegisters: [11 of UInt32] = [
        0x250, 0x258, 0x259, 0x268, 0x269, 0x26A, 0x26B, 0x26C, 0x26D, 0x26E, 0x26F,
    ]

    private let isEnabled: Bool
    private let hasFixed: Bool
    private let defaultType: MemoryType
    private var fixed = [11 of UInt64](repeating: 0)
    private var ranges = BoundedList<16, MTRRRange>(unused: MTRRRange())
    /// One past the last physical address.
    private let addressEnd: UInt64

    /// - Parameters:
    ///   - native: the silicon's answer to a leaf and subleaf of CPUID: how wide addresses are, 13 to 52 bits; others are taken as the nearest.
    ///   - read: reads an MSR: what is there, and of the pairs of variable registers at most 16.
    public init(native: (UInt32, UInt32) -> CPUIDRegisters, read: (UInt32) -> UInt64) {
        let capability = read(MSR.mtrrCapability), type = read(MSR.mtrrDefaultType)
        isEnabled = type & 1 << 11 != 0
        hasFixed = isEnabled && type & 1 << 10 != 0 && capability & 1 << 8 != 0
        defaultType = MemoryType(rawValue: UInt8(truncatingIfNeeded: type)) ?? .uncacheable
        addressEnd = 1 << UInt64(min(max(AddressWidth.bits(native: native, read: read), 13), 52))
        for i in 0..<11 where hasFixed { fixed[i] = read(Self.fixedRegisters[i]) }
        for pair in 0..<min(UInt32(capability & 0xFF), 16) {
            let base = read(0x200 + pair * 2), mask = read(0x201 + pair * 2)
            if let range = MTRRRange(base, mask, addressEnd: addressEnd) { _ = ranges.append(range) }
        }
    }

    /// The type of the byte at a physical address; beyond the processor's addresses, uncacheable.
    public func type(of address: UInt64) -> MemoryType {
        guard isEnabled, address < addressEnd else { return .uncacheable }
        if hasFixed && address < Self.fixedEnd { return fixedType(of: address) }
        var found: MemoryType?
        for i in 0..<ranges.count where address >= ranges[i].first && address <= ranges[i].last {
            found = found?.overlapped(with: ranges[i].type) ?? ranges[i].type
        }
        return found ?? defaultType
    }

    /// The type at `start`, and the address up to which all that follows has it: at most `limit`, or `start` where `limit`
    /// is not above it. Takes at most 88 steps for the fixed registers and two for each variable one.
    public func uniform(from start: UInt64, limit: UInt64) -> (type: MemoryType, end: UInt64) {
        let type = type(of: start)
        var end = start
        repeat { end = min(nextBorder(after: end), limit) } while end < limit && self.type(of: end) == type
        return (type, max(start, end))
    }

    /// The next address at which the type may differ; the largest number where there is none.
    private func nextBorder(after address: UInt64) -> UInt64 {
        guard isEnabled, address < addressEnd else { return .max }
        if hasFixed && address < Self.fixedEnd {
            let step: UInt64 = address < 0x8_0000 ? 0x1_0000 : address < 0xC_0000 ? 0x4000 : 0x1000
            return (address | (step - 1)) + 1
        }
        var border = addressEnd
        for i in 0..<ranges.count {
            if ranges[i].first > address {
                border = min(border, ranges[i].first)
            } else if ranges[i].last >= address {
                border = min(border, ranges[i].last + 1)
            }
        }
        return border
    }

    /// Eight types a register, the lowest address in the lowest byte (table 12-9). `address` is below 1 MiB.
    private func fixedType(of address: UInt64) -> MemoryType {
        let at: UInt64
        switch address {
        case ..<0x8_0000: at = address >> 16
        case ..<0xC_0000: at = 8 + (address - 0x8_0000) >> 14
        default: at = 24 + (address - 0xC_0000) >> 12
        }
        return MemoryType(rawValue: UInt8(truncatingIfNeeded: fixed[Int(at / 8)] >> (at % 8 * 8))) ?? .uncacheable
    }
}

/// The addresses of one variable register.
struct MTRRRange {
    var first: UInt64 = 0
    var last: UInt64 = 0
    var type = MemoryType.uncacheable

    init() {}

    /// From IA32_MTRR_PHYSBASEn and IA32_MTRR_PHYSMASKn; nil when the register is off. Some firmware writes masks for narrower addresses than the
    /// processor has: bits above the highest of a mask are taken as set, as Linux does. A mask with holes (section 12.11.4) spreads
    /// one type over scattered pieces: all from the first of them to the last is uncacheable then, which is slow and never wrong.
    init?(_ physicalBase: UInt64, _ physicalMask: UInt64, addressEnd: UInt64) {
        guard physicalMask & 1 << 11 != 0 else { return nil }
        let inside = addressEnd - 1
        let set = physicalMask & inside & ~0xFFF, above = ~(UInt64.max >> UInt64(set.leadingZeroBitCount))
        let mask = set == 0 ? 0 : set | above & inside
        first = physicalBase & mask
        last = first | inside & ~mask
        let free = inside & ~mask
        if free & (free + 1) == 0 {
            type = MemoryType(rawValue: UInt8(truncatingIfNeeded: physicalBase)) ?? .uncacheable
        }
    }
}

extension MemoryType {
    /// What two ranges that both hold an address make of it (section 12.11.4.1).
    func overlapped(with other: MemoryType) -> MemoryType {
        switch (self, other) {
        case _ where self == other: self
        case (.writeThrough, .writeBack), (.writeBack, .writeThrough): .writeThrough
        // Uncacheable wins; the rest is undefined.
        default: .uncacheable
        }
    }
}
