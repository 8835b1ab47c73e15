import Platform
import Testing

@testable import Loaders

@Suite struct MemoryMapTests {
    @Test func memoryBeyondTheHoleIsARangeOfItsOwn() {
        let low = GuestMemory.lowLimit
        // Only named, never touched.
        let base = UnsafeMutableRawPointer.allocate(byteCount: 16, alignment: 16)
        defer { base.deallocate() }
        let map = MemoryMap(GuestMemory(base: base, size: low + 0x2000), hasBus: false)
        #expect(map.count == 5)
        #expect(map.ranges[3].start + map.ranges[3].size == low)
        #expect(map.ranges[4].start == 4 << 30 && map.ranges[4].size == 0x2000)
    }
}
