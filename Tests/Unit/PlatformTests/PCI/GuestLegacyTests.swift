import PCI
import Testing

@testable import Platform

/// USB controllers' legacy support, by which a guest could raise SMIs.
@Suite struct GuestLegacyTests {
    let machine = TestMachine()
    private static let base: UInt64 = 0x8_0000_0000

    /// The test's card as a controller whose legacy support is at `offset`, with its MSI-X table in the same BAR.
    private func bus(_ offset: UInt64, table: UInt64 = 0x3000) throws -> TestBus {
        var card = TestMachine.card(on: machine)
        card.classCode = 0x0C0330
        card.bars = InlineArray(repeating: BaseAddress())
        card.bars[0] = BaseAddress(.memory64, address: Self.base, size: 0x1_0000)
        (card.msix.tableBAR, card.msix.tableOffset, card.msix.entries) = (0, table, 16)
        (card.msix.pendingBAR, card.msix.pendingOffset) = (0, table + 0x800)
        machine.registers[Self.base + 0x10] = UInt64(offset / 4) << 16
        machine.registers[Self.base + offset] = 0x0001_0001
        machine.registers[Self.base + offset + 4] = 0xE00E_FFFF
        let bus = TestBus(on: machine)
        try bus.append(card)
        return bus
    }

    @Test func itsPagesAreTrappedBesideTheTables() throws {
        let bus = try bus(0x8460)
        #expect(bus.trapped(from: 0) == 0xC000_3000..<0xC000_4000)
        #expect(bus.trapped(from: 0xC000_3000) == 0xC000_3000..<0xC000_4000)
        #expect(bus.trapped(from: 0xC000_4000) == 0xC000_8000..<0xC000_9000)
        #expect(bus.trapped(from: 0xC000_9000).isEmpty)
        // Over the border of two pages; before the table; in its page.
        #expect(try self.bus(0x8FFC).trapped(from: 0xC000_4000) == 0xC000_8000..<0xC000_A000)
        let before = try self.bus(0x1000)
        #expect(before.trapped(from: 0) == 0xC000_1000..<0xC000_2000)
        #expect(before.trapped(from: 0xC000_2000) == 0xC000_3000..<0xC000_4000)
        let same = try self.bus(0x3F00)
        #expect(same.trapped(from: 0) == 0xC000_3000..<0xC000_4000 && same.trapped(from: 0xC000_4000).isEmpty)
    }

    @Test func whatAGuestWritesThereGoesNowhere() throws {
        for offset in [0x8460, 0x3F00] as [UInt64] {
            let bus = try bus(offset), at = 0xC000_0000 + offset
            bus.reset()
            machine.forgetWrites()
            #expect(bus.memory(at, 4) == 0x0100_0001, "the list goes on; the controller is the guest's")
            #expect(bus.memory(at + 4, 4) == 0)
            for size in [1, 2, 4, 8] {
                for byte in stride(from: 0, to: 8, by: size) { _ = bus.memory(at + UInt64(byte), size, write: .max) }
            }
            #expect(machine.registerWrites == [])
            // Its neighbours are the device's.
            #expect(bus.memory(at + 8, 4, write: 0x77) == 0 && bus.memory(at + 8, 4) == 0x77)
            #expect(machine.registerWrites == [.init(address: Self.base + offset + 8, size: 4, value: 0x77)])
        }
        #expect(try bus(0x8460).memory(0xC000_5000, 4) == nil)
    }

    /// Pending bits are kept from a guest where they are: in the BAR of the page that is trapped, which may be another one than
    /// the table's.
    @Test func pendingBitsOfTheTrappedPageAreReadOnly() throws {
        for pendingBAR in [0, 3] {
            var card = TestMachine.card(on: machine)
            card.classCode = 0x0C0330
            card.bars[0] = BaseAddress(.memory64, address: Self.base, size: 0x1_0000)
            card.bars[3] = BaseAddress(.memory64, address: Self.base + 0x10_0000, size: 0x1_0000)
            (card.msix.tableBAR, card.msix.tableOffset, card.msix.entries) = (3, 0x3000, 16)
            (card.msix.pendingBAR, card.msix.pendingOffset) = (pendingBAR, 0x8480)
            machine.registers[Self.base + 0x10] = UInt64(0x8460 / 4) << 16
            machine.registers[Self.base + 0x8460] = 1
            let bus = TestBus(on: machine)
            try bus.append(card)
            bus.reset()
            machine.forgetWrites()
            _ = bus.memory(0xC000_8480, 8, write: 0x77)
            #expect(machine.registerWrites.isEmpty == (pendingBAR == 0))
            _ = bus.memory(0xC000_8488, 8, write: 0x77)
            #expect(machine.registerWrites.last?.address == Self.base + 0x8488)
        }
    }

    @Test func everyStartFindsItSilent() throws {
        let bus = try bus(0x8460)
        machine.forgetWrites()
        bus.reset()
        #expect(machine.registers[Self.base + 0x8464] == 0xE00E_1FEE, "enables off; events are cleared by ones")
        #expect(machine.registers[Self.base + 0x8460] == 0x0100_0001)
        // A table in the same BAR is still the model's.
        #expect(bus.memory(0xC000_300C, 4) == 1)
    }

    /// EHCI's is in configuration space: taken at boot, silent at every start, and out of a guest's reach.
    @Test func configurationSpaceHasEHCIs() throws {
        var card = TestMachine.card(on: machine)
        card.classCode = 0x0C0320
        card.bars = InlineArray(repeating: BaseAddress())
        card.bars[0] = BaseAddress(.memory32, address: 0xD000_0000, size: 0x1000)
        card.msix = MSIXDescription()
        machine.registers[0xD000_0008] = 0xF000
        let smis = [UInt8]([0x3F, 0xE0, 0, 0])
        func enable() { machine.space[card.requester]?.put([1, 0, 1, 0] + smis, at: 0xF0) }
        enable()
        let bus = TestBus(on: machine)
        try bus.append(card)
        #expect(bus.trapped(from: 0).isEmpty)
        bus.takeFromFirmware()
        #expect(machine.read(card.requester, 0xF0, size: 4) == 0x0100_0001)
        #expect(machine.read(card.requester, 0xF4, size: 4) & 0xE03F == 0)
        enable()
        bus.reset()
        #expect(machine.read(card.requester, 0xF0, size: 4) == 0x0100_0001)
        #expect(machine.read(card.requester, 0xF4, size: 4) & 0xE03F == 0)
        machine.forgetWrites()
        for size in [1, 2, 4] {
            for at in stride(from: 0xF0, to: 0xF8, by: size) {
                bus.write(1, at, size, .max)
                #expect(bus.read(1, at, size) == 0)
            }
        }
        #expect(machine.writes == [] && machine.registerWrites == [])
        // A list that cannot be followed hides what a guest would keep.
        machine.registers[0xD000_0008] = 0xFC00
        #expect(throws: GuestBusError.badCapabilities) { try TestBus(on: machine).append(card) }
    }

    @Test func aControllerWhoseListCannotBeFollowedIsRefused() throws {
        #expect(throws: GuestBusError.badCapabilities) { try bus(0xFFFC) }
        machine.registers = [:]
        var card = TestMachine.card(on: machine)
        card.classCode = 0x0C0320
        let other = TestBus(on: machine)
        try other.append(card)
        #expect(machine.registerWrites == [])
    }
}
