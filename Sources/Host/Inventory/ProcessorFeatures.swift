import X86

/// What a processor can encrypt and allocate. The raw values travelled on the management link before `InventoryItem.Kind.processor`.
public struct ProcessorFeatures: Equatable, Sendable {
    public let rawValue: UInt64
    public init(rawValue: UInt64) { self.rawValue = rawValue }

    /// In the order of their bits, as Linux names them: memory encryption (AMD: SME, SEV and its extensions; Intel: TME),
    /// cache allocation by level, code and data apart, bandwidth allocation.
    public static let names: [10 of StaticString] = [
        "sme", "sev", "sev_es", "sev_snp", "tme", "cat_l3", "cat_l2", "cdp_l3", "cdp_l2", "mba",
    ]

    /// The names of those that are there.
    public var found: [String] {
        (0..<Self.names.count).filter { rawValue >> UInt64($0) & 1 != 0 }.map { Self.names[$0].description }
    }

    /// - Parameter native: the silicon's answer to a leaf and subleaf of CPUID.
    public init(_ native: (UInt32, UInt32) -> CPUIDRegisters) {
        let basic = native(0, 0).eax, extended = native(0x8000_0000, 0).eax
        var bits: UInt64 = 0
        // AMD64 APM volume 3, appendix E.4.17.
        if extended >= 0x8000_001F, extended < 0x8001_0000 {
            let encryption = UInt64(native(0x8000_001F, 0).eax)
            bits |= encryption & 1 | encryption & 1 << 1 | encryption >> 1 & 1 << 2 | encryption >> 1 & 1 << 3
        }
        guard basic >= 7 else {
            rawValue = bits
            return
        }
        let leaf7 = native(7, 0)
        bits |= UInt64(leaf7.ecx >> 13 & 1) << 4
        // Intel SDM volume 3, section 18.19.4.1: RDT allocation. AMD enumerates the same.
        if basic >= 0x10, leaf7.ebx & 1 << 15 != 0 {
            let resources = native(0x10, 0).ebx
            let l3 = resources & 1 << 1 != 0, l2 = resources & 1 << 2 != 0
            if l3 { bits |= 1 << 5 | UInt64(native(0x10, 1).ecx >> 2 & 1) << 7 }
            if l2 { bits |= 1 << 6 | UInt64(native(0x10, 2).ecx >> 2 & 1) << 8 }
            bits |= UInt64(resources >> 3 & 1) << 9
        }
        if extended >= 0x8000_0008, native(0x8000_0008, 0).ebx & 1 << 6 != 0 { bits |= 1 << 9 }
        rawValue = bits
    }
}

/// A cache of a processor (Intel SDM volume 2, CPUID leaf 4; AMD64 APM volume 3, leaf 8000001Dh).
public struct ProcessorCache: Equatable, Sendable {
    public var level: UInt32
    /// 1 data, 2 instructions, 3 both.
    public var type: UInt32
    /// Bytes.
    public var size: UInt64
    public var ways: UInt32
    /// How many low bits of an APIC id tell apart the threads that share one.
    public var sharedBits: UInt32

    /// The `index`-th cache of this kind of processor; nil after the last one, at most eight.
    public init?(_ index: Int, _ vendor: Vendor, native: (UInt32, UInt32) -> CPUIDRegisters) {
        let leaf: UInt32 = vendor == .amd ? 0x8000_001D : 4
        guard 0..<8 ~= index, native(leaf & 0x8000_0000, 0).eax >= leaf else { return nil }
        let answer = native(leaf, UInt32(index))
        type = answer.eax & 0x1F
        guard 1...3 ~= type else { return nil }
        level = answer.eax >> 5 & 7
        ways = (answer.ebx >> 22) + 1
        let line = UInt64(answer.ebx & 0xFFF) + 1, partitions = UInt64(answer.ebx >> 12 & 0x3FF) + 1
        size = UInt64(ways) &* line &* partitions &* (UInt64(answer.ecx) + 1)
        sharedBits = UInt32(32 - (answer.eax >> 14 & 0xFFF).leadingZeroBitCount)
    }
}
