import Loaders
import Testing
import UnitSupport

@testable import Platform

@Suite struct KVMClockTests {
    /// The formula by which a guest turns ticks into nanoseconds (Linux Documentation/virt/kvm/x86/msr.rst).
    private func nanoseconds(_ ticks: UInt64, _ multiplier: UInt32, _ shift: Int8) -> UInt64 {
        let shifted = shift >= 0 ? ticks << UInt64(shift) : ticks >> UInt64(-Int(shift))
        let product = shifted.multipliedFullWidth(by: UInt64(multiplier))
        return product.high << 32 | product.low >> 32
    }

    @Test(arguments: [1, 999, 32_768, 1_000_000, 1_000_001, 1_999_999, 2_000_000, 3_456_789, 5_000_000, UInt32.max])
    func anHourOfTicksIsAnHour(tscKHz: UInt32) {
        let scale = KVMClock.scale(tscKHz)
        #expect(scale.multiplier >= 1 << 31)
        let hour = nanoseconds(UInt64(tscKHz) * 3_600_000, scale.multiplier, scale.shift)
        // 2^-31 of an hour is 1.7 microseconds; dropping ticks costs less than one microsecond.
        #expect(hour <= 3_600_000_000_000 && hour >= 3_600_000_000_000 - 2_700)
    }

    @Test func theStructures() {
        withMemory(1 << 20) { memory in
            var clock = KVMClock(description())
            memory.store(UInt64.max, at: 0x5008)
            memory.store(UInt64.max, at: 0x6018)
            #expect(clock.writeWallClock(0x5000, memory) == true)
            #expect(memory.load(UInt32.self, at: 0x5000) == UInt32(2))
            #expect(memory.load(UInt32.self, at: 0x5004) == UInt32(1_700_000_000))
            #expect(memory.load(UInt32.self, at: 0x5008) == UInt32(0))
            #expect(memory.load(UInt32.self, at: 0x500C) == UInt32.max)

            #expect(clock.writeSystemTime(0x6001, memory) == true)
            let bytes = memory.array(at: 0x6000, 32) ?? []
            // Version 2; TSC 1000; time 0; 2^31 with shift 0 for 2 GHz; stable.
            #expect(bytes[0..<8] == [2, 0, 0, 0, 0, 0, 0, 0])
            #expect(bytes[8..<16] == [0xE8, 3, 0, 0, 0, 0, 0, 0])
            #expect(bytes[16..<24] == [0, 0, 0, 0, 0, 0, 0, 0])
            #expect(bytes[24..<32] == [0, 0, 0, 0x80, 0, 1, 0, 0])
            #expect(clock.wallClock == 0x5000)
            #expect(clock.systemTime == 0x6001)
        }
    }

    @Test func addressesOutsideMemoryFault() {
        withMemory(1 << 20) { memory in
            var clock = KVMClock(description())
            let size: UInt64 = 1 << 20
            for bad in [size - 28, size, UInt64.max, size - 32 + 2, 0x1003] {
                #expect(clock.writeSystemTime(bad | 1, memory) == false, "\(bad)")
            }
            for bad in [size - 8, UInt64.max - 3, 0x1001, 0x1002] {
                #expect(clock.writeWallClock(bad, memory) == false, "\(bad)")
            }
            #expect(clock.systemTime == 0 && clock.wallClock == 0)
            #expect(clock.writeSystemTime((size - 32) | 1, memory) == true)
            // Bit 0 clear turns it off and writes nothing.
            #expect(clock.writeSystemTime(0x2000, memory) == true)
            #expect(memory.load(UInt32.self, at: 0x2000) == UInt32(0))
        }
    }
}
