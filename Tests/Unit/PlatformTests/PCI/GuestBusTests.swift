import PCI
import Testing
import UnitSupport

@testable import Platform

@Suite struct GuestBusTests {
    let machine = TestMachine()

    private func access(_ bus: TestBus, _ port: UInt16, _ size: Int, out value: UInt32? = nil) -> UInt32 {
        let access = PortAccess(port: port, size: size, input: value == nil)
        #expect(GuestBus.claims(access))
        return bus.port(access, value ?? 0)
    }

    @Test func ports() throws {
        let bus = try TestBus.withCard(on: machine)
        #expect(access(bus, 0xCF8, 4) == 0)
        #expect(access(bus, 0xCFC, 4) == .max)
        _ = access(bus, 0xCF8, 4, out: 0x8000_0003)
        #expect(access(bus, 0xCF8, 4) == 0x8000_0000)
        #expect(access(bus, 0xCFC, 4) == TestBus.host)
        _ = access(bus, 0xCF8, 4, out: 0x8000_0808)
        #expect(access(bus, 0xCFC, 4) == 0x0200_0001)
        #expect(access(bus, 0xCFE, 2) == 0x0200)
        #expect(access(bus, 0xCFF, 1) == 0x02)
        #expect(access(bus, 0xCFD, 4) == .max)  // across double words
        _ = access(bus, 0xCF8, 4, out: 0x8000_0804)
        _ = access(bus, 0xCFC, 1, out: 0x06)
        #expect(access(bus, 0xCFC, 1) == 0x06)
        #expect(machine.writes.last?.value == 0x406)
        // Other buses and a disabled register lead nowhere.
        for address in [0x8001_0800, 0x0000_0800] as [UInt32] {
            _ = access(bus, 0xCF8, 4, out: address)
            #expect(access(bus, 0xCFC, 4) == .max)
        }
        #expect(!GuestBus.claims(PortAccess(port: 0xCF9, size: 1, input: false)))
        #expect(!GuestBus.claims(PortAccess(port: 0xCF8, size: 1, input: true)))
        #expect(!GuestBus.claims(PortAccess(port: 0xCFC, size: 4, input: true, string: true)))
        #expect(!GuestBus.claims(PortAccess(port: 0xD00, size: 1, input: true)))
    }

    @Test func whatIsAbsentReadsAsOnes() throws {
        let bus = try TestBus.withCard(on: machine)
        for slot in 0..<32 {
            for function in 0..<8 {
                let isThere = function == 0 && slot < 2
                #expect((bus.read(slot, 0, function: function) != .max) == isThere)
            }
        }
        #expect(bus.read(2, 2, 1) == 0xFF)
        #expect(bus.read(0, 8) == 0x0600_0000)
        #expect(bus.read(0, 0x0E, 1) == 0)
        bus.write(0, 4, 2, 0xFFFF)
        bus.write(5, 4, 2, 0xFFFF)
        #expect(machine.writes.isEmpty)
        #expect(bus.memory(GuestWindows.ecam - 4, 4) == nil)
        #expect(bus.memory(GuestWindows.ecam + GuestWindows.ecamSize, 4) == nil)
        #expect(bus.memory(GuestWindows.ecam, 3) == nil)
    }

    private func refusal(_ change: (inout FunctionDescription) -> Void, virtualFunctions: Int = 0) -> GuestBusError? {
        var card = TestMachine.card(on: machine)
        change(&card)
        let bus = TestBus(on: machine)
        do throws(GuestBusError) {
            try bus.append(card, virtualFunctions: virtualFunctions)
            return nil
        } catch { return error }
    }

    @Test func refusals() throws {
        #expect(refusal { _ in } == nil)
        #expect(refusal { $0.isBridge = true } == .notAnEndpoint)
        #expect(refusal { $0.vendor = 0xFFFF } == .notAnEndpoint)
        #expect(refusal { $0.bars[0].size = 0x3000 } == .badBAR)
        #expect(refusal { $0.bars[0].address = 0xFEB0_1000 } == .badBAR)
        #expect(refusal { $0.bars[0].address = 0 } == .badBAR)
        #expect(refusal { $0.bars[3].address = 1 << 52 } == .badBAR)
        #expect(refusal { $0.vendor = 0 } == .notAnEndpoint)
        #expect(refusal { $0.bars[5] = $0.bars[3] } == .badBAR)
        #expect(refusal { $0.bars[0] = BaseAddress(.memory32, address: 1 << 30, size: 1 << 30) } == .noAddresses)
        #expect(refusal { $0.bars[3] = BaseAddress(.memory64, address: 1 << 39, size: 1 << 39) } == .noAddresses)
        #expect(refusal({ $0.sriov = 0 }, virtualFunctions: 1) == .virtualFunctions)
        #expect(refusal({ _ in }, virtualFunctions: 177) == .virtualFunctions)
        #expect(refusal({ _ in }, virtualFunctions: 176) == nil)
        let bus = TestBus(on: machine)
        for i in 0..<8 as Range<UInt16> { try bus.append(TestMachine.card(i << 3, on: machine)) }
        #expect(throws: GuestBusError.full) { try bus.append(TestMachine.card(on: machine)) }
    }

    @Test func addressesAreAlignedAndDisjoint() throws {
        var card = TestMachine.card(on: machine)
        card.bars[0] = BaseAddress(.memory32, address: 0xFEB0_0100, size: 256)
        card.bars[1] = BaseAddress(.memory64, address: 0x10_0000_0000, size: 256 << 20)
        card.bars[3] = BaseAddress(.memory64, address: 0x100_0000_0000, size: 64 << 30)
        let bus = TestBus(on: machine)
        try bus.append(card)
        #expect(bus.addresses == [0xC000_0100, 1 << 38, 0, 1 << 38 + 64 << 30, 0, 0])
        #expect(bus.pages(0)! == (0xC000_0000, 0xFEB0_0000, 0x1000))
        // The low window is full with 256 MiB beside the first page.
        card.bars[1].kind = .memory32
        try bus.append(card)
        #expect(throws: GuestBusError.noAddresses) { try bus.append(card) }
        #expect(bus.count == 2)
        // RAM up to 2^38 leaves no room above it.
        let large = TestBus(on: machine, memorySize: 1 << 38)
        #expect(throws: GuestBusError.noAddresses) { try large.append(card) }
    }

    /// It is part of each partition's context.
    @Test func size() { #expect(MemoryLayout<GuestBus>.size <= 24 << 10) }

    /// What Linux' `pci_enable_sriov` does (drivers/pci/iov.c of 6.1), in its order.
    @Test func theOwnerEnablesVirtualFunctions() throws {
        let bus = try TestBus.withCard(on: machine, virtualFunctions: 2)
        #expect(bus.read(1, 0x100) == 0x0001_0010)
        #expect(bus.read(1, 0x108, 2) == 0)
        bus.write(1, 0x108, 2, 0)
        #expect(bus.read(1, 0x10E, 2) == 2)
        #expect(bus.read(1, 0x11C) & 1 == 1)
        bus.write(1, 0x120, 4, 1)
        for i in 0..<6 {
            bus.write(1, 0x124 + 4 * i, 4, .max)
            #expect(bus.read(1, 0x124 + 4 * i) == 0)
        }
        bus.write(1, 0x110, 2, 2)
        let offset = Int(bus.read(1, 0x114, 2))
        let stride = Int(bus.read(1, 0x116, 2))
        #expect(stride > 0)
        let numbers = (0..<2).map { 8 + offset + $0 * stride }
        #expect(numbers.allSatisfy { $0 > 0x47 && $0 < 0x100 })
        #expect(bus.read(1, 0x10C, 2) == 2)
        #expect(bus.read(1, 0x112, 1) == 0)
        // Absent before, there afterwards.
        for number in numbers { #expect(bus.read(number >> 3, 8, function: number & 7) == .max) }
        bus.write(1, 0x108, 2, 9)
        #expect(bus.read(1, 0x108, 2) == 9)
        bus.write(1, 0x110, 2, 1)
        #expect(bus.read(1, 0x110, 2) == 2)
        for number in numbers {
            #expect(bus.read(number >> 3, 0, function: number & 7) == .max)
            #expect(bus.read(number >> 3, 8, function: number & 7) == 0xFF00_0000)
            for at in Swift.stride(from: 0xC, to: 0x1000, by: 4) {
                #expect(bus.read(number >> 3, at, function: number & 7) == 0)
            }
        }
        let beyond = numbers[1] + 1
        #expect(bus.read(beyond >> 3, 8, function: beyond & 7) == .max)
        #expect(bus.read(1, 0x11A, 2) == 0xFFFF)
        #expect(machine.writes.isEmpty)
        bus.reset()
        #expect(bus.read(1, 0x108) == 0)
    }
}
