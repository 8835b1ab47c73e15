import PCI
import Testing

@Suite struct GuestFunctionTests {
    let machine = TestMachine()

    @Test func identifiersAreTheDescriptions() throws {
        let bus = try TestBus.withCard(on: machine)
        #expect(bus.read(1, 0x00) == 0x10C9_8086)
        #expect(bus.read(1, 0x08) == 0x0200_0001)
        #expect(bus.read(1, 0x2C) == 0xA03C_8086)
        #expect(bus.read(1, 0x0E, 1) == 0)
        #expect(bus.read(1, 0x30) == 0)
        #expect(bus.read(1, 0x3C) == 0)
        // The machine's bytes there are EEh.
        for offset in stride(from: 0x44 + 4, to: 0x50, by: 4) { #expect(bus.read(1, offset) == 0) }
    }

    @Test func barsStayWhereTheyAre() throws {
        let bus = try TestBus.withCard(on: machine)
        let expected: [UInt32] = [0xC000_0000, 0, 0, 0xC002_000C, 0, 0]
        #expect((0..<6).map { bus.read(1, 0x10 + 4 * $0) } == expected)
        for i in 0..<6 { bus.write(1, 0x10 + 4 * i, 4, 0x1234_5670) }
        #expect((0..<6).map { bus.read(1, 0x10 + 4 * $0) } == expected)
        for i in 0..<6 { bus.write(1, 0x10 + 4 * i, 4, .max) }
        let sizes: [UInt32] = [0xFFFE_0000, 0, 0, 0xFFFF_C00C, 0xFFFF_FFFF, 0]
        #expect((0..<6).map { bus.read(1, 0x10 + 4 * $0) } == sizes)
        for i in 0..<6 { bus.write(1, 0x10 + 4 * i, 4, expected[i]) }
        #expect((0..<6).map { bus.read(1, 0x10 + 4 * $0) } == expected)
        #expect(machine.writes.isEmpty)
    }

    @Test func pagesToMap() throws {
        let bus = try TestBus.withCard(on: machine)
        let first = try #require(bus.pages(0))
        #expect(first == (0xC000_0000, 0xFEB0_0000, 0x20000))
        let table = try #require(bus.pages(3))
        #expect(table == (0xC002_0000, 0x8_0000_0000, 0x4000))
        #expect(bus.pages(2) == nil)
        #expect(bus.trapped == 0xC002_1000..<0xC002_2000)
    }

    @Test func command() throws {
        let bus = try TestBus.withCard(on: machine)
        #expect(bus.read(1, 4, 2) == 2)
        bus.write(1, 4, 2, 0xFFFF)
        #expect(bus.read(1, 4, 2) == 0x546)
        // Memory decoding and INTx disable stay on; bus mastering and parity are the guest's.
        #expect(machine.writes == [.init(function: TestMachine.nic, offset: 4, size: 2, value: 0x446)])
        bus.write(1, 4, 1, 0)
        #expect(bus.read(1, 4, 2) == 0x500)
        #expect(machine.writes.last?.value == 0x402)
        bus.write(1, 5, 1, 0)
        #expect(bus.read(1, 4, 2) == 0)
    }

    @Test func statusIsTheDevices() throws {
        let bus = try TestBus.withCard(on: machine)
        #expect(bus.read(1, 6, 2) == 0xF930)
        bus.write(1, 6, 2, 0x8010)
        #expect(machine.writes == [.init(function: TestMachine.nic, offset: 6, size: 2, value: 0x8000)])
        // The other half of the double word was not written.
        #expect(bus.read(1, 4, 2) == 2)
    }

    @Test func capabilitiesAreFilteredAndLinked() throws {
        let bus = try TestBus.withCard(on: machine)
        var seen: [UInt32] = []
        var at = Int(bus.read(1, 0x34, 1))
        while at != 0, seen.count < 48 {
            seen.append(bus.read(1, at, 1))
            at = Int(bus.read(1, at + 1, 1))
        }
        #expect(seen == [0x01, 0x05, 0x11, 0x10, 0x09])
        #expect(bus.read(1, 0xE0) == 0)
        #expect(bus.read(1, 0xEC) == 0x0403_0201)
        for offset in stride(from: 0x100, to: 0x1000, by: 4) { #expect(bus.read(1, offset) == 0) }
    }

    /// A list that leads in a circle, or to a capability that reaches beyond the space, does no harm.
    @Test func brokenLists() throws {
        var card = TestMachine.card(on: machine)
        machine.space[TestMachine.nic]?[0x51] = 0x40
        let bus = TestBus(on: machine)
        try bus.append(card)
        #expect(bus.capabilities == 2)
        machine.space[TestMachine.nic]?[0x51] = 0xFC
        machine.space[TestMachine.nic]?.put([0x09, 0x00, 0x20, 0x01], at: 0xFC)
        card.address = FunctionAddress(requester: TestMachine.nic)
        let other = TestBus(on: machine)
        try other.append(card)
        #expect(other.capabilities == 2)
    }

    @Test func powerManagementIsToldToTheGuestOnly() throws {
        let bus = try TestBus.withCard(on: machine)
        #expect(bus.read(1, 0x42, 2) == 0x03)
        #expect(bus.read(1, 0x44, 2) == 0x08)
        bus.write(1, 0x44, 2, 0xFFFF)
        #expect(bus.read(1, 0x44, 2) == 0x0B)
        bus.write(1, 0x44, 2, 0x8101)  // D1 is not there
        #expect(bus.read(1, 0x44, 2) == 0x0B)
        #expect(machine.writes.isEmpty)
    }

    @Test func expressWithinFirmwaresLimits() throws {
        let bus = try TestBus.withCard(on: machine)
        // A root complex integrated endpoint; payload as set; neither a link nor a reset.
        #expect(bus.read(1, 0xA2, 2) == 0x0092)
        #expect(bus.read(1, 0xA4) == 0x8FC1)
        // It reports no errors: they are the machine's. Nor does any request of its pass caches by (bit 11).
        #expect(bus.read(1, 0xA8, 2) == 0x2030)
        #expect(bus.read(1, 0xAA, 2) == 0x000F)
        for offset in stride(from: 0xAC, to: 0xE0, by: 4) { #expect(bus.read(1, offset) == 0) }

        bus.write(1, 0xA8, 2, 0xFFFF)
        #expect(bus.read(1, 0xA8, 2) == 0x2030)
        // Nor does it take less payload than the port above it sends.
        bus.write(1, 0xA8, 2, 0x0000)
        #expect(bus.read(1, 0xA8, 2) == 0x0020)
        bus.write(1, 0xA8, 2, 0x9830)
        #expect(bus.read(1, 0xA8, 2) == 0x1030)
        #expect(!machine.writes.contains { $0.offset == 0xA8 && $0.value & (1 << 15 | 1 << 11) != 0 })
        machine.forgetWrites()
        bus.write(1, 0xAA, 2, 0xFFF5)
        #expect(machine.writes == [.init(function: TestMachine.nic, offset: 0xAA, size: 2, value: 5)])
    }

    @Test func virtioReadsItsCapabilitiesButNotTheirWindow() throws {
        var bytes = [UInt8](repeating: 0, count: 4096)
        bytes.put(0x1041_1AF4 as UInt32, at: 0)
        bytes.put(0x0010 as UInt16, at: 6)
        bytes[0x34] = 0x40
        bytes.put([0x09, 0x50, 0x10, 0x01, 0x04, 0, 0, 0, 0, 0x10, 0, 0, 0, 0x20, 0, 0], at: 0x40)
        bytes.put([0x09, 0x64, 0x14, 0x05, 0x04, 0, 0, 0, 1, 2, 3, 4, 4, 0, 0, 0, 9, 9, 9, 9], at: 0x50)
        bytes.put([0x09, 0x00, 0x14, 0x02, 0x04, 0, 0, 0, 0, 0x30, 0, 0, 0, 0x10, 0, 0, 4, 0, 0, 0], at: 0x64)
        machine.space[8] = bytes
        var virtio = FunctionDescription()
        virtio.address = FunctionAddress(requester: 8)
        virtio.vendor = 0x1AF4
        virtio.device = 0x1041
        virtio.bars[4] = BaseAddress(.memory64, address: 0x7_0000_0000, size: 0x4000)
        let bus = TestBus(on: machine)
        try bus.append(virtio)
        bus.reset()
        machine.forgetWrites()
        #expect(bus.read(1, 0x40) == 0x0110_6409)
        #expect(bus.read(1, 0x48) == 0x1000)
        #expect(bus.read(1, 0x64) == 0x0214_0009)
        #expect(bus.read(1, 0x74) == 4)
        for offset in stride(from: 0x50, to: 0x64, by: 4) {
            #expect(bus.read(1, offset) == 0)
            bus.write(1, offset, 4, .max)
        }
        #expect(machine.writes.isEmpty)
    }

    @Test func resetLeavesTheDeviceQuiet() throws {
        let bus = try TestBus.withCard(on: machine)
        bus.write(1, 4, 2, 0xFFFF)
        bus.write(1, 0xA8, 2, 0)
        bus.write(1, 0x44, 2, 3)
        bus.write(1, 0x72, 2, 0x8000)
        bus.write(1, 0x10, 4, .max)
        machine.forgetWrites()
        // As a function level reset leaves them.
        for offset in 0x10..<0x28 { machine.space[TestMachine.nic]?[offset] = 0 }
        bus.reset()
        let id = TestMachine.nic
        let config = machine.space[id] ?? []
        #expect(config[0x10..<0x14] == [0, 0, 0xB0, 0xFE])
        #expect(config[0x1C..<0x24] == [0, 0, 0, 0, 8, 0, 0, 0])
        #expect(config[4...5] == [0x02, 0x04])
        #expect(config[0xA8...0xA9] == [0x30, 0x20])
        #expect(config[0x52...0x53] == [0, 0])
        #expect(config[0x60...0x63] == [0, 0, 0, 0])
        #expect(config[0x72...0x73] == [0, 0])
        let masks = machine.registerWrites.map { $0.address }
        #expect(masks == (0..<80).map { 0x8_0000_100C + 16 * $0 })
        #expect(machine.registerWrites.allSatisfy { $0.value == 1 && $0.size == 4 })
        #expect(bus.read(1, 0x44, 2) == 8)
        #expect(bus.read(1, 0x10) == 0xC000_0000)
    }

    @Test func virtualFunctionAsItsOwnersFunction() throws {
        var card = TestMachine.card(0x0310, on: machine)
        machine.space[0x0310]?.put(UInt32.max, at: 0)
        card.physicalFunction = TestMachine.nic
        card.device = 0x10CA
        card.sriov = 0
        let bus = TestBus(on: machine)
        try bus.append(card)
        bus.reset()
        machine.forgetWrites()
        #expect(bus.read(1, 0) == 0x10CA_8086)
        #expect(bus.read(1, 4, 2) == 2)
        #expect(bus.read(1, 0x10) == 0xC000_0000)
        bus.write(1, 4, 2, 0xFFFF)
        // All bits of a virtual function's register but the bus master's are reserved; emulators know one more.
        #expect(machine.writes == [.init(function: 0x0310, offset: 4, size: 2, value: 6)])
    }
}
