import PCI
import Testing

@testable import Platform

@Suite struct GuestMessageTests {
    let machine = TestMachine()
    let table: UInt64 = 0xC002_1000
    let real: UInt64 = 0x8_0000_1000

    @Test func meaning() {
        func message(_ low: UInt32, _ data: UInt32, high: UInt32 = 0) -> GuestMessage? {
            GuestMessage(addressLow: low, addressHigh: high, data: data)
        }
        #expect(message(0xFEE0_3000, 0x31)?.apicID == 3)
        #expect(message(0xFEE0_3000, 0x31)?.vector == 0x31)
        #expect(message(0xFEE0_3000, 0x4031)?.vector == 0x31)
        #expect(message(0xFEEF_F020, 0x10)?.apicID == 0x1FF)
        #expect(message(0xFEE0_3000, 0x0F) == nil)  // exceptions
        for mode in 1...7 as ClosedRange<UInt32> { #expect(message(0xFEE0_3000, mode << 8 | 0x31) == nil) }
        #expect(message(0xFEE0_3000, 0x8031) == nil)  // level
        #expect(message(0xFEE0_3000, 0x1_0031) == nil)
        #expect(message(0xFEE0_3004, 0x31) == nil)  // logical
        #expect(message(0xFEE0_3008, 0x31) == nil)  // redirected
        #expect(message(0xFEE0_3010, 0x31) == nil)  // remappable format
        #expect(message(0xFED0_3000, 0x31) == nil)  // memory
        #expect(message(0xFEE0_3000, 0x31, high: 1) == nil)
    }

    @Test func msi() throws {
        let bus = try TestBus.withCard(on: machine)
        #expect(bus.read(1, 0x52, 2) == 0x80)
        bus.write(1, 0x54, 4, 0xFEE0_3000)
        bus.write(1, 0x58, 4, 0)
        bus.write(1, 0x5C, 2, 0x0031)
        #expect(machine.space[TestMachine.nic]?[0x52] == 0)
        bus.write(1, 0x52, 2, 0x00F1)
        #expect(bus.read(1, 0x52, 2) == 0x81)
        #expect(bus.read(1, 0x54) == 0xFEE0_3000)
        #expect(bus.read(1, 0x5C) == 0x31)
        #expect(machine.read(TestMachine.nic, 0x52, size: 2) == 1)
        #expect(machine.read(TestMachine.nic, 0x54, size: 4) == 0xFEE0_3010)
        #expect(machine.read(TestMachine.nic, 0x5C, size: 2) == 0x31)
        // A core of another partition, then its own again.
        bus.write(1, 0x54, 4, 0xFEE0_1000)
        #expect(machine.read(TestMachine.nic, 0x52, size: 2) == 0)
        #expect(bus.read(1, 0x54) == 0xFEE0_1000)
        bus.write(1, 0x54, 4, 0xFEE0_0000)
        #expect(machine.read(TestMachine.nic, 0x52, size: 2) == 1)
        #expect(machine.read(TestMachine.nic, 0x54, size: 4) == 0xFEE0_0010)
        bus.write(1, 0x5C, 1, 0x08)
        #expect(machine.read(TestMachine.nic, 0x52, size: 2) == 0)
        bus.write(1, 0x5C, 1, 0x32)
        bus.write(1, 0x52, 2, 0)
        #expect(machine.read(TestMachine.nic, 0x52, size: 2) == 0)
    }

    @Test func msixControl() throws {
        let bus = try TestBus.withCard(on: machine)
        #expect(bus.read(1, 0x72, 2) == 63)  // shrunk from 80
        #expect(bus.read(1, 0x74) == 0x1003)
        #expect(bus.read(1, 0x78) == 0x1803)
        bus.write(1, 0x72, 2, 0xFFFF)
        #expect(bus.read(1, 0x72, 2) == 0xC03F)
        #expect(machine.writes == [.init(function: TestMachine.nic, offset: 0x72, size: 2, value: 0xC000)])
        bus.write(1, 0x73, 1, 0x80)
        #expect(machine.writes.last?.value == 0x8000)
    }

    /// SMIs wait while a table is masked, which may have 2,048 entries.
    @Test func aLargeTableIsMaskedInPieces() throws {
        var card = TestMachine.card(on: machine)
        card.msix.entries = 2048
        card.bars[3].size = 0x10000
        card.msix.pendingOffset = 0xC000
        let bus = TestBus(on: machine)
        try bus.append(card)
        bus.reset()
        #expect(machine.registerWrites.count { $0.value == 1 } >= 2048)
        #expect(machine.longestWork <= 128)
    }

    @Test func entriesAreTranslated() throws {
        let bus = try TestBus.withCard(on: machine)
        func write(_ offset: UInt64, _ value: UInt64, size: Int = 4) {
            _ = bus.memory(table + offset, size, write: value)
        }
        func read(_ offset: UInt64, size: Int = 4) -> UInt64? {
            bus.memory(table + offset, size)
        }
        #expect(read(12) == 1)
        write(0x10, 0xFEE0_3000)
        write(0x14, 0)
        write(0x18, 0x41)
        #expect(machine.registerWrites.isEmpty)
        write(0x1C, 0)
        let entry = real + 0x10
        #expect(
            machine.registerWrites == [
                .init(address: entry + 12, size: 4, value: 1), .init(address: entry, size: 4, value: 0xFEE0_3010),
                .init(address: entry + 4, size: 4, value: 0), .init(address: entry + 8, size: 4, value: 0x41),
                .init(address: entry + 12, size: 4, value: 0),
            ])
        #expect(read(0x10) == 0xFEE0_3000)
        #expect(read(0x18, size: 8) == 0x41)

        // A message that is not allowed leaves the entry masked, and reads back.
        write(0x10, 0xFEE0_1000)
        #expect(machine.registers[entry + 12] == 1)
        #expect(machine.registers[entry] == 0xFEE0_3010)
        #expect(read(0x10) == 0xFEE0_1000)
        write(0x10, 0x0000_0000_FEE0_0000, size: 8)
        #expect(machine.registers[entry + 12] == 0)
        #expect(machine.registers[entry] == 0xFEE0_0010)
        write(0x18, 1 << 32 | 0x42, size: 8)
        #expect(machine.registers[entry + 12] == 1)
        #expect(machine.registers[entry + 8] == 0x41)
        write(0x1C, 0)
        #expect(machine.registers[entry + 8] == 0x42)
        machine.forgetWrites()

        // Neither parts of registers nor entries that the guest is not told of.
        write(0x10, 0, size: 1)
        write(0x10, 0, size: 2)
        write(64 * 16, 0xFEE0_0000)
        write(79 * 16 + 12, 0)
        #expect(read(64 * 16) == 0)
        #expect(machine.registerWrites.isEmpty)
    }

    @Test func theRestOfThePageIsTheDevices() throws {
        let bus = try TestBus.withCard(on: machine)
        #expect(bus.memory(table + 0x900, 8) == 0x5A)
        #expect(bus.memory(table + 0x902, 2, write: 0x1_BEEF) == 0)
        #expect(machine.registerWrites == [.init(address: real + 0x902, size: 2, value: 0xBEEF)])
        // Pending bits are read only.
        #expect(bus.memory(table + 0x800, 8) == 0x5A)
        _ = bus.memory(table + 0x808, 8, write: 1)
        // Unaligned.
        #expect(bus.memory(table + 0x901, 2) == 0xFFFF)
        _ = bus.memory(table + 0x901, 4, write: 1)
        #expect(machine.registerWrites.count == 1)
        // Other pages are not the model's.
        #expect(bus.memory(table - 8, 4) == nil)
        #expect(bus.memory(table + 0x1000, 4) == nil)
    }

    /// A table in a BAR that is smaller than a page: what else is in that page belongs to somebody else.
    @Test func aTableInASmallBAR() throws {
        var card = TestMachine.card(on: machine)
        card.bars[3] = BaseAddress(.memory64, address: 0x8_0000_0800, size: 0x800)
        card.msix.tableOffset = 0
        card.msix.entries = 4
        machine.space[TestMachine.nic]?.put([0x03, 0x00], at: 0x72)
        let bus = TestBus(on: machine)
        try bus.append(card)
        #expect(bus.read(1, 0x1C) == 0xC002_0804)
        #expect(bus.trapped == 0xC002_0000..<0xC002_1000)
        #expect(bus.memory(0xC002_0000, 4) == 0xFFFF_FFFF)
        _ = bus.memory(0xC002_07FC, 4, write: 1)
        #expect(machine.registerWrites.isEmpty)
        #expect(bus.memory(0xC002_0840, 4) == 0x5A)
    }
}
