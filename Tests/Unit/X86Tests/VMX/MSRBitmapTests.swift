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

/// Intel SDM volume 1, section 13.3, and XSETBV in volume 2.
@Suite struct XCR0Tests {
    private let all: UInt64 = 0x6_02FF

    @Test(
        arguments: [
            (0x1, true), (0x3, true), (0x7, true), (0xE7, true), (0x207, true), (0x2E7, true), (0x201, true),
            (0x1F, true), (0x6_02FF, true), (0x6_0007, true), (0x6_0001, true), (0x19, true),
            (0x0, false), (0x2, false), (0x6, false), (0x5, false), (0x205, false),
            (0x27, false), (0x47, false), (0x87, false), (0x67, false), (0xC7, false), (0xA7, false), (0xE3, false),
            (0xE1, false), (0xB, false), (0x13, false), (0x2_0003, false), (0x4_0003, false),
            (0x103, false), (0x8000_0000_0000_0003, false),
        ] as [(UInt64, Bool)]) func combinations(value: UInt64, isValid: Bool)
    {
        #expect(XCR0.isValid(value, supported: all) == isValid)
    }

    @Test func nothingBeyondWhatIsSupported() {
        for bit in 1..<64 as Range<UInt64> { #expect(!XCR0.isValid(1 | 1 << bit, supported: 1)) }
        #expect(!XCR0.isValid(7, supported: 3))
        #expect(XCR0.isValid(3, supported: 3))
        #expect(!XCR0.isValid(1, supported: 0))
    }
}
