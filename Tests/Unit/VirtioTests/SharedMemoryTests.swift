import Testing

@testable import Platform

/// A guest's bus with a network card and two channels of shared memory, of which the first is 00:1f.1.
private final class SharedBus {
    private var bus = TestBus(memorySize: 1 << 20)

    init() throws {
        try bus.append(.network(mac: 2, mtu: 1500))
        for _ in 0..<2 { try bus.append(.sharedMemory()) }
    }

    func configuration(_ offset: Int, _ value: UInt64? = nil) -> UInt64? {
        access(GuestWindows.ecam + UInt64(0xF9) << 12 + UInt64(offset), value)
    }
    func access(_ address: UInt64, _ value: UInt64? = nil) -> UInt64? {
        bus.access(memory: address, size: 4, value: value)
    }
    func port(_ offset: UInt16, _ value: UInt32? = nil) -> UInt32? {
        let port = GuestWindows.ports + 128 + offset
        return bus.access(PortAccess(port: port, size: 1, input: value == nil), value: value ?? 0)
    }
    func traps(_ address: UInt64) -> Bool { bus.traps(address) }
    func memory(_ index: Int) -> UInt64? { bus.memory(index) }
    var isQuiet: Bool { !bus.isLive(1) && bus.nextInterrupt(1) == nil }
}

/// A channel of shared memory as a guest's bus shows it.
@Suite struct SharedMemoryTests {
    private let bus: SharedBus
    init() throws { bus = try SharedBus() }

    @Test func itIsMemoryAndNothingElse() {
        #expect(bus.configuration(0) == 0x1110_1AF4 && bus.configuration(8) == 0x0500_0001)
        #expect(bus.configuration(0xC) == 0x0080_0000)
        // No capabilities, nor registers that could be reached by them.
        #expect(bus.configuration(4) == 0 && bus.configuration(0x34) == 0)
        for offset in [0x10, 0x14, 0x1C, 0x20, 0x24, 0x30, 0x3C, 0x40, 0x44, 0x50, 0x5C, 0x84, 0x100] {
            #expect(bus.configuration(offset) == 0)
            _ = bus.configuration(offset, 0xFFFF_FFFF)
            #expect(bus.configuration(offset) == 0)
        }
    }

    /// Memory that is seen at the size that it has, aligned to it, and apart from other windows.
    @Test func itsAddressStaysAndItsSizeIsTold() throws {
        let first = try #require(bus.memory(1)), second = try #require(bus.memory(2))
        #expect(bus.memory(0) == nil)
        #expect(first % (512 << 10) == 0 && second == first + 512 << 10 && first > GuestWindows.low)
        #expect(bus.configuration(0x18) == first | 8)
        _ = bus.configuration(0x18, 0xFFFF_FFFF)
        #expect(bus.configuration(0x18) == 0xFFF8_0008)
        _ = bus.configuration(0x18, 0x1000)
        #expect(bus.configuration(0x18) == first | 8 && bus.memory(1) == first)
    }

    /// It is mapped, and traps nowhere; virtio's registers are not behind it.
    @Test func nothingOfItIsEmulated() throws {
        let start = try #require(bus.memory(1))
        for offset in [0, 0xFFF, 0x1000, 0x3_FFFF, 0x4_0000, 0x7_FFFF] as [UInt64] {
            #expect(!bus.traps(start + offset) && bus.access(start + offset, 0) == nil)
        }
        _ = bus.configuration(4, 0xFFFF_FFFF)
        // Memory, bus mastering; no ports.
        #expect(bus.configuration(4).map { $0 & 7 } == 6)
        for offset in 0..<128 as Range<UInt16> {
            #expect(bus.port(offset) == .max && bus.port(offset, 0x0F) == .max)
        }
        #expect(bus.isQuiet)
    }
}
