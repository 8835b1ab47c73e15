import Testing
import X86

@Suite struct MSRBitmapTests {
    /// Intel SDM volume 3C, section 25.6.9: reads of low registers at 0, of high ones at 400h, writes at 800h and C00h; a bit
    /// a register.
    @Test(
        arguments: [
            (0x0000_0000, 0x000, 0), (0x0000_1FFF, 0x3FF, 7), (0xC000_0000, 0x400, 0), (0xC000_1FFF, 0x7FF, 7),
            (0x0000_0830, 0x106, 0), (0xC000_0080, 0x410, 0), (0x0000_0277, 0x04E, 7), (0xC000_0103, 0x420, 3),
        ] as [(UInt32, Int, Int)])
    func whereARegisterLies(msr: UInt32, byte: Int, bit: Int) {
        #expect(msrBitmapBit(msr, write: false) == byte * 8 + bit)
        #expect(msrBitmapBit(msr, write: true) == (byte + 0x800) * 8 + bit)
    }

    @Test(
        arguments: [
            0x2000, 0x4B56_4D00, 0xBFFF_FFFF, 0xC000_2000, 0xC001_0000, 0xC001_1FFF, 0xFFFF_FFFF,
        ] as [UInt32]) func whatTheMapDoesNotCover(msr: UInt32)
    {
        #expect(msrBitmapBit(msr, write: false) == nil)
        #expect(msrBitmapBit(msr, write: true) == nil)
    }

    @Test func everyBitIsOneRegistersAccess() {
        var seen: Set<Int> = []
        for first in [0, 0xC000_0000] as [UInt32] {
            for msr in first..<first + 0x2000 {
                for write in [false, true] {
                    guard let bit = msrBitmapBit(msr, write: write) else {
                        Issue.record("MSR \(String(msr, radix: 16)) has no bit")
                        continue
                    }
                    #expect(seen.insert(bit).inserted)
                }
            }
        }
        #expect(seen.min() == 0 && seen.max() == 0x1000 * 8 - 1)
        #expect(seen.count == 4096 * 8)
    }
}
