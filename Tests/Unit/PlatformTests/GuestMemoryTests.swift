import Loaders
import Testing
import UnitSupport

@testable import Platform

@Suite struct GuestMemoryTests {
    @Test func integersAreLittleEndianAtAnyAlignment() {
        withMemory(1 << 20) { memory in
            #expect(memory.store(0x1122_3344_5566_7788 as UInt64, at: 0x1003) == true)
            #expect(memory.load(UInt8.self, at: 0x1003) == 0x88)
            #expect(memory.load(UInt32.self, at: 0x1007) == 0x1122_3344)
            #expect(memory.load(UInt16.self, at: 0x1002) == 0x8800)
        }
    }

    @Test func nothingOutsideIsReachable() {
        withMemory(1 << 20) { memory in
            let size: UInt64 = 1 << 20
            #expect(memory.load(UInt8.self, at: size - 1) == 0)
            #expect(memory.load(UInt8.self, at: size) == nil)
            #expect(memory.load(UInt64.self, at: size - 7) == nil)
            #expect(memory.load(UInt64.self, at: UInt64.max) == nil)
            #expect(memory.bytes(at: 0, count: -1) == nil)
            #expect(memory.bytes(at: 1, count: Int.max) == nil)
            #expect(memory.bytes(at: size, count: 0) != nil)
            #expect(memory.store(1 as UInt16, at: size - 1) == false)
            #expect(memory.load(UInt8.self, at: size - 1) == 0)
            #expect(memory.zero(at: 0, count: size + 1) == false)
            #expect(memory.zero(at: 0, count: UInt64.max) == false)
            #expect(memory.load(UInt8.self, at: GuestMemory.highBase) == nil)
        }
    }

    /// 3 GiB + 8 KiB of guest memory; only the pages that are touched exist on the host, and here none is.
    @Test func theHoleBelow4GiBSplitsTheRange() {
        let memory = GuestMemory(base: UnsafeMutableRawPointer(bitPattern: 0x1000)!, size: 3 << 30 + 0x2000)
        let low: UInt64 = 3 << 30
        #expect(memory.lowSize == low)
        #expect(memory.highSize == 0x2000)
        #expect(memory.offset(of: low - 8, count: 8) == low - 8)
        #expect(memory.offset(of: low - 8, count: 9) == nil)
        #expect(memory.offset(of: low, count: 1) == nil)
        #expect(memory.offset(of: GuestMemory.highBase - 1, count: 1) == nil)
        #expect(memory.offset(of: GuestMemory.highBase, count: 0x2000) == low)
        #expect(memory.offset(of: GuestMemory.highBase + 0x1FFF, count: 1) == low + 0x1FFF)
        #expect(memory.offset(of: GuestMemory.highBase + 0x1FFF, count: 2) == nil)
        #expect(memory.offset(of: GuestMemory.highBase + 0x2001, count: 0) == nil)
        #expect(memory.offset(of: 0, count: UInt64.max) == nil)
    }

    /// What root mode writes for a guest, where the guest says, does not change a kernel that is locked.
    @Test func whatIsLockedIsNotReached() throws {
        let size = 1 << 20
        try withUnsafeTemporaryAllocation(byteCount: size, alignment: 4096) { bytes in
            let base = try #require(bytes.baseAddress)
            bytes.initializeMemory(as: UInt8.self, repeating: 0)
            let locked: [3 of Range<UInt64>] = [0x1000..<0x3000, 0x8000..<0x9000, 0..<0]
            let memory = GuestMemory(base: base, size: UInt64(size), locked: locked)
            for (at, count, isReached) in [
                (0xFF8, 8, true), (0xFF9, 8, false), (0x1000, 1, false), (0x2FFF, 1, false), (0x3000, 8, true),
                (0x7000, 0x3000, false), (0x9000, 1, true), (0, size, false),
            ] {
                #expect((memory.bytes(at: UInt64(at), count: count) != nil) == isReached, "\(at)")
            }
            var clock = KVMClock(
                PlatformDescription(memorySize: UInt64(size), console: false, tscKHz: 1, bootTime: 1, bootTSC: 1))
            #expect(!clock.writeSystemTime(0x2000 | 1, memory) && !clock.writeWallClock(0xFFC, memory))
            #expect(bytes.allSatisfy { $0 == 0 } && clock.writeSystemTime(0x4000 | 1, memory))
        }
    }

    @Test func copiesAndClears() {
        withMemory(1 << 20) { memory in
            #expect(memory.copy(from: ([1, 2, 3, 4] as [UInt8]).span, to: 0x2000) == true)
            #expect(memory.zero(at: 0x2001, count: 2) == true)
            #expect(memory.array(at: 0x2000, 5) == [1, 0, 0, 4, 0])
            #expect(memory.copy(from: ([1, 2] as [UInt8]).span, to: (1 << 20) - 1) == false)
        }
    }
}
