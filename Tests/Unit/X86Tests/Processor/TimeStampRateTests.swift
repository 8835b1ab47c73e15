import Testing
import X86

@Suite struct TimeStampRateTests {
    private func rate(_ highest: UInt32, _ ratio: (UInt32, UInt32, UInt32), base: UInt32) -> UInt64? {
        TimeStampRate.kHz { leaf, _ in
            switch leaf {
            case 0: CPUIDRegisters(eax: highest, ebx: 0, ecx: 0, edx: 0)
            case 0x15: CPUIDRegisters(eax: ratio.0, ebx: ratio.1, ecx: ratio.2, edx: 0)
            case 0x16: CPUIDRegisters(eax: base, ebx: 0, ecx: 0, edx: 0)
            default: CPUIDRegisters(eax: .max, ebx: .max, ecx: .max, edx: .max)
            }
        }
    }

    /// A Skylake client (24 MHz, 216/2), the same without its crystal, a large ratio.
    @Test(
        arguments: [
            (0x16, (2, 216, 24_000_000), 2600, 2_592_000), (0x16, (2, 216, 0), 2600, 2_600_000),
            (0x20, (1, .max, .max), 0, 18_446_744_065_119_617),
        ] as [(UInt32, (UInt32, UInt32, UInt32), UInt32, UInt64)])
    func whatIsToldIsTheRate(_ row: (highest: UInt32, ratio: (UInt32, UInt32, UInt32), base: UInt32, kHz: UInt64)) {
        #expect(rate(row.highest, row.ratio, base: row.base) == row.kHz)
    }

    @Test func whatIsNotToldIsNone() {
        #expect(rate(0x10, (2, 216, 24_000_000), base: 2600) == nil, "AMD's highest leaf")
        #expect(rate(0x15, (2, 216, 0), base: 2600) == nil)
        #expect(rate(0x16, (0, 216, 24_000_000), base: 0) == nil)
        #expect(rate(0x16, (2, 0, 24_000_000), base: 0x1_0000) == nil, "reserved bits are none of the frequency")
    }
}
