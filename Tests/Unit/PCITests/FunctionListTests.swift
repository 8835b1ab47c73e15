import PCI
import Testing

/// What the hypervisor and the inventory from Linux know of a machine's functions.
@Suite struct FunctionListTests {
    private func scan(_ bus: BusModel, alias: (UInt16) -> UInt16? = { _ in nil }) -> FunctionList {
        var list = FunctionList()
        let isComplete = list.scan(bus, alias: alias, isReserved: { $0 == BusModel.id("02:00.0") })
        #expect(isComplete)
        return list
    }

    private func found(_ name: String, _ list: FunctionList) throws -> FunctionDescription {
        let index = try #require(list.index(of: FunctionAddress(requester: BusModel.id(name))))
        return list.functions[index]
    }

    @Test func everyFunctionIsDescribed() throws {
        let bus = try BusModel.recorded()
        let list = scan(bus)
        #expect(list.count == bus.functions.count)
        let igb = try found("04:00.0", list)
        #expect(igb.group == BusModel.id("04:00.0") && igb.reset == .functionLevel && !igb.isReserved)
        #expect(igb.virtualTotal == 8 && igb.virtualOffset == 0x80 && igb.virtualStride == 2)
        #expect(igb.virtualDevice == 0x10CA && igb.virtualGroup == nil)
        #expect(igb.bars[0].address == 0xC0A2_0000 && igb.lastBus == 4)
        // Its bus can be reset, which is surer than power states.
        let e1000e = try found("02:00.0", list)
        #expect(e1000e.reset == .bus && e1000e.isReserved)
        #expect(try found("0b:02.0", list).alias == 0x0B00)
        #expect(try found("00:1f.2", list).isOfTheMachine == false)
        #expect(try found("00:02.0", list).isOfTheMachine)
    }

    /// Ids, class, registers, buses.
    @Test func whatChangedIsSeen() throws {
        let bus = try BusModel.recorded()
        let list = scan(bus)
        BusScan(bus).forEach { #expect(list.has($0)) }
        for (name, at) in [
            ("04:00.0", 0), ("04:00.0", 2), ("04:00.0", 9), ("04:00.0", 0x12), ("00:02.3", 0x1A), ("07:01.0", 0x19),
            ("00:02.0", 0x12),
        ] {
            let changed = try BusModel.recorded()
            changed.functions[BusModel.id(name)]?.bytes[at] ^= 0x10
            var found: [UInt16] = []
            BusScan(changed).forEach { if !list.has($0) { found.append($0.requester) } }
            #expect(found.contains(BusModel.id(name)), "\(name) \(at)")
        }
        // Ports that keep nothing apart any more.
        let port = bus.describe("00:02.0"), hidden = try BusModel.recorded()
        hidden.functions[port.requester]?.bytes[port.accessControl] = 0
        var found: [UInt16] = []
        BusScan(hidden).forEach { if !list.has($0) { found.append($0.requester) } }
        #expect(found == [port.requester])
        // One more, and one less.
        #expect(list.missing(on: bus) == nil)
        bus.add("05:01.0")
        bus.functions[BusModel.id("04:00.0")] = nil
        #expect(list.missing(on: bus) == BusModel.id("04:00.0"))
        found = []
        BusScan(bus).forEach { if !list.has($0) { found.append($0.requester) } }
        #expect(found == [BusModel.id("05:01.0")])
    }

    /// A function level reset that some functions do not come back from is not used: another one is, if there is one.
    @Test func resetsThatHangAreNotUsed() throws {
        for (id, isLost) in [
            (0x1487_1022, true), (0x148C_1022, true), (0x149C_1022, true), (0x7901_1022, true), (0x1502_8086, true),
            (0x1503_8086, true), (0x1504_8086, false), (0x149C_8086, false), (0x10C9_8086, false),
        ] as [(UInt32, Bool)] {
            let bus = try BusModel.recorded()
            bus.functions[BusModel.id("04:00.0")]?.bytes.put(id, at: 0)
            let igb = try found("04:00.0", scan(bus))
            #expect(igb.hasFunctionReset == !isLost && igb.reset == (isLost ? .bus : .functionLevel), "\(id)")
        }
    }

    /// Nor is a bus with one behind it that does not come back: some stop the machine at the next read.
    @Test func busesWithWhoIsLostAreNotReset() throws {
        for (id, isLost) in [
            (0x0030_168C, true), (0x003E_168C, true), (0x002F_168C, false), (0xB005_104C, true), (0x2340_10DE, true),
            (0x237F_10DE, true), (0x2380_10DE, false), (0x1EB8_10DE, true), (0x5901_11C1, true), (0x5902_11C1, false),
        ] as [(UInt32, Bool)] {
            let bus = try BusModel.recorded()
            let one = try #require(bus.functions[BusModel.id("05:00.0")]), other = BusModel.Function()
            (other.bytes, other.barSizes) = (one.bytes, one.barSizes)
            bus.functions[BusModel.id("05:01.0")] = other
            one.bytes.put(id, at: 0)
            let list = scan(bus)
            #expect(try found("05:00.0", list).reset != .bus || !isLost, "\(id)")
            #expect(try found("05:00.0", list).reset == .bus || isLost, "\(id)")
            // Nor for the sake of another one there.
            #expect(try found("05:01.0", list).reset != .bus || !isLost, "\(id)")
        }
    }

    @Test func virtualFunctionsAreFoundByTheirPhysicalOne() throws {
        let list = scan(try BusModel.recorded())
        let third = try #require(list.physicalFunction(of: FunctionAddress(requester: 0x484)))
        #expect(list.functions[third.index].requester == BusModel.id("04:00.0") && third.number == 2)
        #expect(list.physicalFunction(of: FunctionAddress(requester: 0x485)) == nil)
        #expect(list.group(of: FunctionAddress(requester: 0x0484)) == 0x0484)
    }

    /// A bus is not reset under what the machine itself depends on.
    @Test func busesWithAPartOfTheMachineAreNotReset() throws {
        let bus = try BusModel.recorded()
        let part = BusModel.Function()
        (part.bytes[0], part.bytes[1], part.bytes[0x0A], part.bytes[0x0B]) = (0x22, 0x10, 0x06, 0x08)
        bus.functions[BusModel.id("02:00.0")]?.bytes[0x0E] |= 0x80
        bus.functions[BusModel.id("02:00.1")] = part
        let list = scan(bus)
        #expect(try found("02:00.0", list).reset == .powerState && found("05:00.0", list).reset == .bus)
    }

    /// Whoever sends under one requester id is one group: the IOMMU cannot tell them apart.
    @Test func functionsWithOneRequesterIdAreOneGroup() throws {
        let bus = try BusModel.recorded()
        let edu = BusModel.id("05:00.0"), igb = BusModel.id("04:00.0"), e1000e = BusModel.id("02:00.0")
        let alias = scan(bus, alias: { $0 == edu ? igb : nil })
        #expect(try found("05:00.0", alias).group == igb && found("05:00.0", alias).alias == igb)
        let shared = scan(bus, alias: { $0 == edu || $0 == e1000e ? 0x3FF0 : nil })
        #expect(try found("05:00.0", shared).group == e1000e && found("02:00.0", shared).group == e1000e)
        #expect(try found("04:00.0", shared).group == igb)
    }

    @Test func moreThanThereIsRoomForIsOneGroup() {
        let bus = BusModel()
        for i in 0..<UInt16(129) {
            let function = BusModel.Function()
            (function.bytes[0], function.bytes[1], function.bytes[0x0E]) = (0xF4, 0x1A, 0x80)
            bus.functions[i] = function
        }
        var list = FunctionList()
        let isComplete = list.scan(bus)
        #expect(!isComplete && list.count == 128)
        #expect((0..<list.count).allSatisfy { list.functions[$0].group == 0 })
    }
}
