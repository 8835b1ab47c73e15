import Testing
import X86

/// AMD64 APM volume 2, section 15.11 ("MSR intercepts"): 2 bits an MSR, the lower for reads.
@Suite struct PermissionMapTests {
    @Test(
        arguments: [
            // First and last of each range, with the bytes that the manual's table gives.
            (0x0000_0000, 0x000, 0), (0x0000_1FFF, 0x7FF, 6), (0xC000_0000, 0x800, 0), (0xC000_1FFF, 0xFFF, 6),
            (0xC001_0000, 0x1000, 0), (0xC001_1FFF, 0x17FF, 6),
            // Four MSRs a byte: EFER, the x2APIC's command register, VM_HSAVE_PA.
            (0xC000_0080, 0x820, 0), (0x0000_0830, 0x20C, 0), (0xC001_0117, 0x1045, 6), (0x0000_0277, 0x09D, 6),
        ] as [(UInt32, Int, Int)])
    func whereARegisterLies(msr: UInt32, byte: Int, bit: Int) {
        #expect(msrPermissionBit(msr) == byte * 8 + bit)
    }

    @Test(
        arguments: [
            0x2000, 0x4B56_4D00, 0x4000_0000, 0xBFFF_FFFF, 0xC000_2000, 0xC000_FFFF, 0xC001_2000, 0xC002_0000,
            0xFFFF_FFFF,
        ] as [UInt32]) func whatTheMapDoesNotCover(msr: UInt32)
    {
        #expect(msrPermissionBit(msr) == nil)
    }

    @Test func noTwoRegistersShareABit() {
        var seen: Set<Int> = []
        for first in [0, 0xC000_0000, 0xC001_0000] as [UInt32] {
            for msr in first..<first + 0x2000 {
                guard let bit = msrPermissionBit(msr) else {
                    Issue.record("MSR \(String(msr, radix: 16)) has no bit")
                    continue
                }
                #expect(bit % 2 == 0 && bit >= 0 && bit + 1 < 0x1800 * 8)
                #expect(seen.insert(bit).inserted)
            }
        }
    }
}
