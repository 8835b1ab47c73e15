import Testing
import X86

/// IA32_VMX_BASIC and IA32_VMX_EPT_VPID_CAP (Intel SDM volume 3D, appendices A.1 and A.10), bit by bit.
@Suite struct VMXCapabilityTests {
    /// Revision 4, 1024 bytes, write-back, string operands reported, true controls: what a Skylake reports.
    private let skylake: UInt64 = 0x00DA_0400_0000_0004

    @Test func basic() {
        let basic = VMXBasic(rawValue: skylake)
        #expect(basic.revision == 4)
        #expect(basic.regionSize == 1024)
        #expect(basic.memoryType == .writeBack)
        #expect(basic.hasTrueControls)
        #expect(!basic.needsLowMemory)
        #expect(basic.missing == nil)
        #expect(VMXBasic(rawValue: 0xFFFF_FFFF).revision == 0x7FFF_FFFF, "bit 31 is no part of it")
    }

    @Test(
        arguments: [
            (0x0080_0000_0000_0000, "true"), (0x0008_0000_0000_0000, "write-back"), (0x0000_0400_0000_0000, "region"),
        ] as [(UInt64, String)]) func whatBasicLacks(cleared: UInt64, word: String)
    {
        #expect(VMXBasic(rawValue: skylake & ~cleared).missing?.description.contains(word) == true)
    }

    @Test func whatBasicHasTooMuchOf() {
        #expect(VMXBasic(rawValue: skylake | 1 << 48).missing?.description.contains("4 GiB") == true)
        #expect(VMXBasic(rawValue: skylake | 0x1800 << 32).missing?.description.contains("4096") == true)
        #expect(VMXBasic(rawValue: skylake & ~(0x1FFF << 32) | 0x1000 << 32).missing == nil)
        #expect(VMXBasic(rawValue: skylake | 15 << 50).memoryType == nil, "a reserved memory type")
    }

    /// What a Skylake reports.
    private let ept: UInt64 = 0x0000_0F01_0633_4141

    @Test func hugePages() {
        #expect(EPTCapability(rawValue: 1 << 17).hugePages)
        #expect(!EPTCapability(rawValue: ~(1 << 17)).hugePages)
    }

    @Test func whatEPTLacks() {
        #expect(EPTCapability(rawValue: ept).missing == nil)
        let required: [UInt64] = [6, 14, 16, 20, 25, 26, 32, 41, 42]
        var named: Set<String> = []
        for bit in 0..<64 as Range<UInt64> {
            let missing = EPTCapability(rawValue: ept & ~(1 << bit)).missing?.description
            #expect((missing != nil) == required.contains(bit), "bit \(bit)")
            guard let missing else { continue }
            #expect(missing.hasSuffix("bit \(bit))"))
            named.insert(missing)
        }
        #expect(named.count == required.count)
    }
}
