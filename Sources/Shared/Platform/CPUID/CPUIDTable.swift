import X86

/// The answers that stay what they are for a vCPU's whole life, each made once: CPUID always exits, and most of a kernel's
/// exits are for it. Its methods are mutating, since a call by value would copy it.
public struct CPUIDTable: ~Copyable, Sendable {
    private var answers: InlineArray<64, CPUIDRegisters>

    /// An empty table, which answers zero.
    public init() { answers = InlineArray(repeating: CPUIDRegisters()) }

    /// Makes every answer.
    /// - Parameter native: the silicon's answer to a leaf and subleaf.
    public mutating func fill(_ context: CPUIDContext, native: (UInt32, UInt32) -> CPUIDRegisters) {
        for slot in 0..<64 {
            let (leaf, subleaf) = Self.question(slot)
            answers[slot] = CPUIDPolicy.answer(leaf: leaf, subleaf: subleaf, native: native(leaf, subleaf), context)
        }
    }

    /// The answer to a leaf, nil where the table has none: it depends on the subleaf beyond the first few, or on XCR0.
    /// - Parameter cr4: the guest's CR4, which two bits mirror.
    @inline(__always)
    public mutating func answer(leaf: UInt32, subleaf: UInt32, cr4: UInt64) -> CPUIDRegisters? {
        // Leaves 0 to 1Fh and 80000000h to 8000001Fh, at 0 and 32.
        guard leaf & 0x7FFF_FFE0 == 0 else { return CPUIDPolicy.isEmpty(leaf) ? CPUIDRegisters() : nil }
        var slot = Int(leaf & 0x1F | leaf >> 26)
        if Self.isIndirect >> UInt64(slot) & 1 != 0 {
            guard leaf < 0xE else { return CPUIDRegisters() }
            guard let other = Self.slot(leaf, subleaf) else { return nil }
            slot = other
        }
        var answer = unsafe answers[unchecked: slot & 63]
        if slot == 1 { answer.mirrorOSXSAVE(cr4) } else if slot == 7 { answer.mirrorOSPKE(cr4) }
        return answer
    }

    /// Leaves 4, 7, 0Bh and 0Dh, and those above, which answer zero: the highest that guests are told of is 0Dh.
    private static let isIndirect: UInt64 = 1 << 0x4 | 1 << 0x7 | 1 << 0xB | 0xFFFF_E000

    /// Where the answers to subleaves are kept.
    private static func slot(_ leaf: UInt32, _ subleaf: UInt32) -> Int? {
        switch (leaf, subleaf) {
        case (7, 0): 7
        case (7, 1): 14
        case (4, 0...3): 16 + Int(subleaf)
        case (0xB, 0...2): 20 + Int(subleaf)
        default: nil
        }
    }

    private static func question(_ slot: Int) -> (leaf: UInt32, subleaf: UInt32) {
        switch slot {
        case 14: (7, 1)
        case 16...19: (4, UInt32(slot - 16))
        case 20...22: (0xB, UInt32(slot - 20))
        case 32...: (0x8000_0000 + UInt32(slot - 32), 0)
        default: (UInt32(slot), 0)
        }
    }
}

extension CPUIDRegisters {
    /// OSXSAVE: bit 27 of leaf 1's ECX is bit 18 of CR4, where there is XSAVE.
    @inline(__always)
    mutating func mirrorOSXSAVE(_ cr4: UInt64) {
        ecx = ecx & ~(1 << 27) | ecx << 1 & UInt32(truncatingIfNeeded: cr4 << 9) & 1 << 27
    }

    /// OSPKE: bit 4 of leaf 7's ECX is bit 22 of CR4, where there are protection keys.
    @inline(__always)
    mutating func mirrorOSPKE(_ cr4: UInt64) {
        ecx = ecx & ~(1 << 4) | ecx << 1 & UInt32(truncatingIfNeeded: cr4 >> 18) & 1 << 4
    }
}
