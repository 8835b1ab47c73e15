import Testing
import X86

/// Two packages of four cores with two threads each: APIC ids of four bits.
@Suite struct ClockAdjustmentTests {
    private static func cpuid(own: UInt32, has: Bool, highest: UInt32 = 0x1F) -> (UInt32, UInt32) -> CPUIDRegisters {
        { leaf, subleaf in
            switch (leaf, subleaf) {
            case (0, _): CPUIDRegisters(eax: highest, ebx: 0, ecx: 0, edx: 0)
            case (7, 0): CPUIDRegisters(eax: 0, ebx: has ? 1 << 1 : 0, ecx: 0, edx: 0)
            case (0xB, 0), (0x1F, 0): CPUIDRegisters(eax: 1, ebx: 2, ecx: 1 << 8, edx: own)
            case (0xB, 1), (0x1F, 1): CPUIDRegisters(eax: 3, ebx: 8, ecx: 2 << 8, edx: own)
            default: CPUIDRegisters(eax: 0, ebx: 0, ecx: 0, edx: own)
            }
        }
    }

    @Test(arguments: [0, 0xB] as [UInt32]) func coresOfThePackageHaveTheBootCoresClock(boot: UInt32) throws {
        let read: (UInt32) -> UInt64 = { $0 == 0x3B ? 0xFFFF_FFFF_B3B4_C5D5 : 0xDEAD }
        let clock = try #require(ClockAdjustment(.intel, native: Self.cpuid(own: boot, has: true), read: read))
        for id in 0..<16 as Range<UInt32> {
            var writes: [UInt64] = []
            clock.adopt(by: id) { number, value in
                #expect(number == 0x3B)
                writes.append(value)
            }
            // Zero is not written: what was timed on the boot core would be another time.
            #expect(writes == (id >> 3 == boot >> 3 ? [0xFFFF_FFFF_B3B4_C5D5] : []), "\(id)")
        }
    }

    @Test func withoutTheRegisterNothingIsReadOrWritten() {
        for native in [Self.cpuid(own: 0, has: false), Self.cpuid(own: 0, has: true, highest: 4)] {
            let clock = ClockAdjustment(.amd, native: native) { number in
                Issue.record("MSR \(number) is read")
                return 0
            }
            #expect(clock == nil)
        }
    }
}
