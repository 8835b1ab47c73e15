import Testing
import Resources
import X86

/// What processors enumerate, by their makers' manuals and by what Linux prints of them (resctrl's `info`): leaves as CPUID answers
/// them. No emulator has any of it.
struct RecordedProcessor: Sendable, CustomTestStringConvertible {
    var name: String
    var vendor: Vendor
    var leaves: [UInt64: CPUIDRegisters]

    var testDescription: String { name }

    init(_ name: String, _ vendor: Vendor, _ list: [(UInt32, UInt32, CPUIDRegisters)]) {
        (self.name, self.vendor) = (name, vendor)
        leaves = Dictionary(uniqueKeysWithValues: list.map { (UInt64($0.0) << 32 | UInt64($0.1), $0.2) })
    }

    func native(_ leaf: UInt32, _ subleaf: UInt32) -> CPUIDRegisters {
        leaves[UInt64(leaf) << 32 | UInt64(subleaf)] ?? CPUIDRegisters()
    }
    var capabilities: ResourceCapabilities { ResourceCapabilities(vendor, native: native) }

    private static let divides: UInt32 = 1 << 15 | 1 << 12

    /// Xeon Scalable of 2017: 11 ways, the upper two also DDIO's; 8 classes of bandwidth.
    static let skylake = RecordedProcessor(
        "Skylake-SP", .intel,
        [
            (0, 0, CPUIDRegisters(eax: 0x16)), (7, 0, CPUIDRegisters(ebx: divides)),
            (0x10, 0, CPUIDRegisters(ebx: 0xA)), (0x10, 1, CPUIDRegisters(eax: 0xA, ebx: 0x600, ecx: 4, edx: 0xF)),
            (0x10, 3, CPUIDRegisters(eax: 0x59, ecx: 4, edx: 7)),
            (0xF, 0, CPUIDRegisters(ebx: 0x8F, edx: 2)), (0xF, 1, CPUIDRegisters(ebx: 0x1_C000, ecx: 0x8F, edx: 7)),
        ])
    static let iceLake = RecordedProcessor(
        "Ice Lake-SP", .intel,
        [
            (0, 0, CPUIDRegisters(eax: 0x1B)), (7, 0, CPUIDRegisters(ebx: divides)),
            (0x10, 0, CPUIDRegisters(ebx: 0xA)), (0x10, 1, CPUIDRegisters(eax: 0xB, ebx: 0xC00, ecx: 4, edx: 0xF)),
            (0x10, 3, CPUIDRegisters(eax: 0x59, ecx: 4, edx: 7)),
            (0xF, 0, CPUIDRegisters(ebx: 0xDF, edx: 2)),
            (0xF, 1, CPUIDRegisters(eax: 8, ebx: 0x1_8000, ecx: 0xDF, edx: 7)),
        ])
    /// The same with memory keys, by XTS-128 alone: addresses of 52 bits, of which Linux names 46 where six name keys.
    static let encryptingIceLake = RecordedProcessor(
        "Ice Lake-SP with TME-MK", .intel,
        [
            (0, 0, CPUIDRegisters(eax: 0x1B)),
            (7, 0, CPUIDRegisters(ebx: divides, ecx: 1 << 13, edx: 1 << 18)),
            (0x1B, 0, CPUIDRegisters(eax: 1, ebx: 1)), (0x8000_0008, 0, CPUIDRegisters(eax: 0x3934)),
        ])
    /// 15 ways of L3 and 16 of L2.
    static let sapphireRapids = RecordedProcessor(
        "Sapphire Rapids", .intel,
        [
            (0, 0, CPUIDRegisters(eax: 0x20)),
            (7, 0, CPUIDRegisters(ebx: divides, ecx: 1 << 13, edx: 1 << 18)),
            (0x10, 0, CPUIDRegisters(ebx: 0xE)), (0x10, 1, CPUIDRegisters(eax: 0xE, ebx: 0x6000, ecx: 4, edx: 0xE)),
            (0x10, 2, CPUIDRegisters(eax: 0xF, ecx: 4, edx: 7)), (0x10, 3, CPUIDRegisters(eax: 0x59, ecx: 4, edx: 0xE)),
            (0xF, 0, CPUIDRegisters(ebx: 0xFF, edx: 2)),
            (0xF, 1, CPUIDRegisters(eax: 8, ebx: 0x1_0000, ecx: 0xFF, edx: 7)),
            (0x1B, 0, CPUIDRegisters(eax: 1, ebx: 1)), (0x8000_0008, 0, CPUIDRegisters(eax: 0x3934)),
        ])
    /// Haswell's servers divide their L3, enumerate nothing of it and want two bits in each mask.
    static let haswell = RecordedProcessor(
        "Haswell-EP", .intel, [(0, 0, CPUIDRegisters(eax: 0xF)), (7, 0, CPUIDRegisters(ebx: 1 << 12))])

    static func zen(_ name: String, ways: UInt32, highestClass: UInt32, slow: Bool = false) -> RecordedProcessor {
        RecordedProcessor(
            name, .amd,
            [
                (0, 0, CPUIDRegisters(eax: 0x10)), (7, 0, CPUIDRegisters(ebx: divides)),
                (0x10, 0, CPUIDRegisters(ebx: 2)), (0x10, 1, CPUIDRegisters(eax: ways - 1, ecx: 4, edx: highestClass)),
                (0x8000_0000, 0, CPUIDRegisters(eax: 0x8000_0023)), (0x8000_0008, 0, CPUIDRegisters(ebx: 1 << 6)),
                (0x8000_001F, 0, CPUIDRegisters(eax: 1, ebx: 0x173)),
                (0x8000_0020, 0, CPUIDRegisters(ebx: slow ? 0x7E : 2)),
                (0x8000_0020, 1, CPUIDRegisters(eax: 0xB, edx: highestClass)),
                (0xF, 0, CPUIDRegisters(ebx: 0xFF, edx: 2)),
                (0xF, 1, CPUIDRegisters(eax: 20, ebx: 64, ecx: 0xFF, edx: 7)),
            ])
    }
    static let zen2 = zen("Zen 2", ways: 16, highestClass: 15)
    static let zen3 = zen("Zen 3", ways: 16, highestClass: 15)
    static let zen4 = zen("Zen 4", ways: 16, highestClass: 15, slow: true)
    static let zen5 = zen("Zen 5", ways: 16, highestClass: 15, slow: true)

    static let dividing = [skylake, iceLake, sapphireRapids, zen2, zen3, zen4, zen5]
}
