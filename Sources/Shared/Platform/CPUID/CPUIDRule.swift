import X86

/// Which bits of the processor's answer to a leaf, or to several in a row, reach a guest.
public struct CPUIDRule: Sendable {
    public let leaf: UInt32
    public let lastLeaf: UInt32
    /// The subleaves to which the rule applies.
    public let firstSubleaf: UInt32
    public let lastSubleaf: UInt32
    let mask: CPUIDRegisters

    /// A rule for every subleaf, unless a range is given.
    init(
        _ leaf: UInt32, through lastLeaf: UInt32? = nil, _ first: UInt32 = 0, _ last: UInt32 = .max, eax: UInt32 = 0,
        ebx: UInt32 = 0, ecx: UInt32 = 0, edx: UInt32 = 0
    ) {
        (self.leaf, self.lastLeaf, firstSubleaf, lastSubleaf) = (leaf, lastLeaf ?? leaf, first, last)
        mask = CPUIDRegisters(eax: eax, ebx: ebx, ecx: ecx, edx: edx)
    }
}

extension CPUIDPolicy {
    /// The allow-list of what comes from the processor itself. A leaf or bit that is not here is zero to a guest.
    /// References: AMD APM vol. 3, appendix E; Intel SDM vol. 2, CPUID.
    public static let rules: [17 of CPUIDRule] = [
        // Highest leaf (limited below) and vendor.
        CPUIDRule(0x0, eax: .max, ebx: .max, ecx: .max, edx: .max),
        // Family, model, stepping; brand index and CLFLUSH size; features.
        CPUIDRule(0x1, eax: .max, ebx: 0x0000_FFFF, ecx: features1ECX, edx: features1EDX),
        // Intel: cache descriptors.
        CPUIDRule(0x2, eax: .max, ebx: .max, ecx: .max, edx: .max),
        // Intel: cache parameters; the counts of sharers in EAX are made below.
        CPUIDRule(0x4, eax: 0x0000_3FFF, ebx: .max, ecx: .max, edx: 0x7),
        // Structured extended features.
        CPUIDRule(0x7, 0, 0, eax: .max, ebx: features7EBX, ecx: features7ECX, edx: features7EDX),
        CPUIDRule(0x7, 1, 1, eax: features7Subleaf1EAX),
        // Extended state: components, sizes for the XCR0 in force.
        CPUIDRule(0xD, 0, 0, eax: stateComponents, ebx: .max, ecx: .max),
        // XSAVEOPT, XSAVEC, XGETBV with ECX = 1. Not XSAVES, which is of use with supervisor components alone.
        CPUIDRule(0xD, 1, 1, eax: 0x7, ebx: .max),
        // Size, offset and alignment of each component that is shown.
        CPUIDRule(0xD, 2, 2, eax: .max, ebx: .max, ecx: 0x2),
        CPUIDRule(0xD, 5, 7, eax: .max, ebx: .max, ecx: 0x2),
        CPUIDRule(0xD, 9, 9, eax: .max, ebx: .max, ecx: 0x2),
        // Highest extended leaf (limited below) and vendor.
        CPUIDRule(0x8000_0000, eax: .max, ebx: .max, ecx: .max, edx: .max),
        CPUIDRule(0x8000_0001, eax: .max, ebx: .max, ecx: extended1ECX, edx: extended1EDX),
        // Brand string, from 80000005h on AMD's L1 caches and TLBs; L2 and L3.
        CPUIDRule(0x8000_0002, through: 0x8000_0006, eax: .max, ebx: .max, ecx: .max, edx: .max),
        // Address sizes (the linear one is limited below) and features; ECX is made below.
        CPUIDRule(0x8000_0008, eax: 0x00FF_FFFF, ebx: extended8EBX),
        // AMD: TLBs of 1 GiB pages.
        CPUIDRule(0x8000_0019, eax: .max, ebx: .max),
        // AMD: FP128, MOVU, FP256.
        CPUIDRule(0x8000_001A, eax: 0x7),
    ]

    /// The rule for a leaf and subleaf; nil when none grants it.
    public static func rule(for leaf: UInt32, _ subleaf: UInt32) -> CPUIDRule? {
        for i in 0..<rules.count where rules[i].leaf <= leaf && leaf <= rules[i].lastLeaf {
            if subleaf >= rules[i].firstSubleaf && subleaf <= rules[i].lastSubleaf { return rules[i] }
        }
        return nil
    }
}

extension CPUIDRegisters {
    static func & (a: CPUIDRegisters, b: CPUIDRegisters) -> CPUIDRegisters {
        CPUIDRegisters(eax: a.eax & b.eax, ebx: a.ebx & b.ebx, ecx: a.ecx & b.ecx, edx: a.edx & b.edx)
    }
}
