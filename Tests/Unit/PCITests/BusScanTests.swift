import PCI
import Testing
import UnitSupport

@Suite struct BusScanTests {
    @Test func everyFunctionIsFoundOnceAndAfterItsBridge() throws {
        let bus = try BusModel.recorded()
        var found: [UInt16] = []
        BusScan(bus).forEach { function in
            #expect(function.requester >> 8 == 0 ? function.bridge == 0 : found.contains(function.bridge))
            if function.requester >> 8 != 0 {
                #expect(bus.functions[function.bridge]?.bytes[0x19] == UInt8(function.requester >> 8))
            }
            found.append(function.requester)
        }
        #expect(found.count == bus.functions.count)
        #expect(Set(found) == Set(bus.functions.keys))
    }

    @Test func registersHaveTheSizesThatLinuxSees() throws {
        let bus = try BusModel.recorded()
        var seen = 0
        BusScan(bus).forEach { function in
            guard let recorded = bus.functions[function.requester] else { return }
            for i in 0..<6 {
                let size = recorded.barSizes[i] ?? 0
                #expect(function.bars[i].size == size, "\(function.requester) \(i)")
                #expect((function.bars[i].kind == .none) == (size == 0))
                guard size != 0 else { continue }
                seen += 1
                #expect(function.bars[i].address & (size - 1) == 0)
                #expect(function.bars[i].address & ~0xFFFF_FFFF == 0 || function.bars[i].kind == .memory64)
            }
        }
        #expect(seen > 30)
        #expect(bus.describe("00:02.0").bars[0] == BaseAddress(.memory32, address: 0xC134_9000, size: 0x1000))
    }

    @Test func nothingIsDifferentAfterwards() throws {
        let bus = try BusModel.recorded()
        let before = bus.functions.mapValues(\.bytes)
        BusScan(bus).forEach { _ in }
        #expect(bus.functions.mapValues(\.bytes) == before)
        #expect(bus.mistakes == [])
        #expect(bus.writes.count > 50)
        for write in bus.writes {
            let function = bus.functions[write.function]!
            // Of bridges, ports alone, and of those what they decode themselves.
            guard function.bytes[0x0B] == 6 else { continue }
            #expect(function.bytes[0x0E] & 0x7F == 1 && function.barSizes[0] != nil, "\(write)")
            #expect(write.offset == 4 || 0x10..<0x18 ~= write.offset, "\(write)")
        }
    }

    /// What a host bridge decodes cannot be switched off, so that its registers are read only: they may be as large as
    /// their addresses allow.
    @Test func registersOfAHostBridgeAreTakenToBeLarge() throws {
        let bus = try BusModel.recorded()
        let host = bus.functions[BusModel.id("00:00.0")]!
        host.bytes.put(0xD030_0000 as UInt32, at: 0x10)
        host.bytes.put(0x0000_000C as UInt32, at: 0x14)
        host.bytes.put(0x0000_0005 as UInt32, at: 0x18)
        host.bytes.put(0xE000_0004 as UInt32, at: 0x1C)
        host.bytes.put(0x0000_0001 as UInt32, at: 0x20)
        let found = bus.describe("00:00.0")
        #expect(found.bars[0] == BaseAddress(.memory32, address: 0xD030_0000, size: 0x10_0000))
        #expect(found.bars[1].address == 0x5_0000_0000 && found.bars[1].size == 1 << 32 && found.bars[1].isPrefetchable)
        #expect(found.bars[3].address == 0x1_E000_0000 && found.bars[3].size == 1 << 29)
        #expect(found.bars[2].kind == .none && found.bars[4].kind == .none && found.bars[5].kind == .none)
        BusScan(bus).forEach { _ in }
        #expect(!bus.writes.contains { $0.function == BusModel.id("00:00.0") })
    }

    /// The last register says that it is the lower half of a wide one, and there is none behind it (section 7.5.1.2.1): the walk ends
    /// there, and nothing is written behind it, where the CardBus pointer is.
    @Test func theLastRegisterHasNoUpperHalf() throws {
        let bus = try BusModel.recorded()
        let function = bus.functions[BusModel.id("05:00.0")]!
        function.bytes.put(0xC180_0004 as UInt32, at: 0x24)
        function.bytes.put(0x1234_5678 as UInt32, at: 0x28)
        function.barSizes[5] = 0x1000
        let before = function.bytes
        let found = BusScan(bus).describe(BusModel.id("05:00.0"))
        #expect(found.bars[5] == BaseAddress(.memory64, address: 0xC180_0000, size: 0x1000))
        #expect(function.bytes == before && bus.mistakes == [])
        #expect(!bus.writes.contains { $0.offset >= 0x28 })
        // A bridge has two.
        let port = bus.functions[BusModel.id("00:02.0")]!
        port.bytes.put(0xC180_0004 as UInt32, at: 0x14)
        port.barSizes[1] = 0x1000
        bus.writes = []
        let bridge = BusScan(bus).describe(BusModel.id("00:02.0"))
        #expect(bridge.bars[1].kind == .memory64 && bridge.bars[1].address == 0xC180_0000)
        #expect(!bus.writes.contains { $0.offset == 0x18 })
    }

    @Test func capabilitiesAreFound() throws {
        let bus = try BusModel.recorded()
        let igb = bus.describe("04:00.0")
        #expect(igb.vendor == 0x8086 && igb.device == 0x10C9 && igb.classCode == 0x020000 && igb.revision == 1)
        #expect(igb.powerManagement == 0x40 && igb.msi == 0x50 && igb.express == 0xA0)
        #expect(igb.sriov == 0x160 && igb.hasFunctionReset)
        #expect(igb.msix.capability == 0x70 && igb.msix.entries == 10 && igb.msix.tableBAR == 3)
        #expect(igb.msix.tableOffset == 0 && igb.msix.pendingBAR == 3 && igb.msix.pendingOffset == 0x2000)
        #expect(igb.bars[3].kind == .memory64 && igb.bars[4].kind == .none)
        #expect(bus.describe("00:02.0").accessControl == 0x148)
        #expect(bus.describe("00:02.2").accessControl == 0)
        #expect(bus.describe("05:00.0").express == 0)
    }

    @Test func methodsAreThoseOfLinux() throws {
        let bus = try BusModel.recorded()
        let reset = FunctionReset(bus)
        BusScan(bus).forEach { function in
            guard let methods = bus.functions[function.requester]?.resets, !function.isBridge else { return }
            let itself: ResetMethod = methods.contains("pm") ? .powerState : .none
            let expected = methods.contains("flr") ? .functionLevel : itself
            #expect(reset.method(of: function) == expected, "\(function.requester)")
        }
    }

    @Test(arguments: [0x80, 0xFF, 0x00])
    func capabilityListsInCirclesEnd(_ next: UInt8) throws {
        let bus = try BusModel.recorded()
        let igb = bus.functions[BusModel.id("04:00.0")]!
        igb.bytes[0x41] = next == 0x80 ? 0x40 : next
        // Extended: back to the first.
        igb.bytes.put(0x1001_0010 as UInt32, at: 0x160)
        bus.reads = 0
        _ = BusScan(bus).describe(BusModel.id("04:00.0"))
        #expect(bus.reads < 400)
        #expect(bus.mistakes == [])
    }

    @Test func bridgesInCirclesEnd() throws {
        let bus = try BusModel.recorded()
        // The root port of bus 4 claims its own bus, the one of bus 5 that of the one before it.
        bus.functions[BusModel.id("00:02.3")]!.bytes[0x19] = 0
        bus.functions[BusModel.id("00:03.0")]!.bytes[0x19] = 3
        var found: [UInt16] = []
        BusScan(bus).forEach { found.append($0.requester) }
        #expect(found.count == bus.functions.count - 2)
        #expect(Set(found).count == found.count)
    }

    /// A bridge that says to lead upwards, or to its own bus, leads nowhere.
    @Test(arguments: [3...4, 5...5, 5...9] as [ClosedRange<UInt8>]) func busesAreNumberedDownwards(
        _ claimed: ClosedRange<UInt8>
    ) {
        let bus = BusModel()
        bus.add("00:01.0", buses: 5...9)
        bus.add("05:00.0", buses: claimed)
        bus.add("05:01.0", buses: 6...9)
        bus.add("03:00.0")
        bus.add("06:00.0")
        var found: [UInt16] = []
        BusScan(bus).forEach { found.append($0.requester) }
        #expect(found == ["00:01.0", "05:00.0", "05:01.0", "06:00.0"].map(BusModel.id))
    }

    /// FFFFh: nobody is there; 0001h: it asks to try again later.
    @Test(arguments: [0xFFFF, 0x0000, 0x0001] as [UInt16]) func whatDoesNotAnswerIsNoFunction(_ vendor: UInt16) throws {
        let bus = try BusModel.recorded()
        let id = BusModel.id("04:00.0")
        bus.functions[id]!.bytes.put(vendor, at: 0)
        var found: [UInt16] = []
        BusScan(bus).forEach { found.append($0.requester) }
        #expect(!found.contains(id) && found.count == bus.functions.count - 1)
    }

    @Test func busesEndWhereTheBridgeAboveDoes() throws {
        let bus = try BusModel.recorded()
        BusScan(bus).forEach { function in
            let last = bus.functions[function.bridge]?.bytes[0x1A]
            #expect(function.requester >> 8 == 0 ? function.lastBus == 0 : function.lastBus == last)
        }
        // The port above the switch passes on no bus above 7: those behind the switch's ports, 8 and 9, are not reached.
        bus.functions[BusModel.id("00:04.0")]!.bytes[0x1A] = 7
        var found: [UInt16] = []
        BusScan(bus).forEach { found.append($0.requester) }
        #expect(found.contains(BusModel.id("07:01.0")))
        #expect(!found.contains { $0 >> 8 == 8 || $0 >> 8 == 9 })
    }

    @Test func garbageIsScannedWithinBounds() {
        // Whatever bytes functions have, every access is inside of configuration space and the scan ends.
        var random: UInt64 = 1
        func next() -> UInt64 {
            random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return random >> 33
        }
        for _ in 0..<50 {
            let bus = BusModel()
            for _ in 0..<40 {
                let function = BusModel.Function()
                for i in 0..<4096 { function.bytes[i] = UInt8(truncatingIfNeeded: next()) }
                if next() & 1 != 0 { function.bytes[0x0E] &= 0x81 }
                bus.functions[UInt16(next() % 0x300)] = function
            }
            var list = FunctionList()
            list.scan(bus)
            for i in 0..<list.count where !list.functions[i].isBridge {
                FunctionReset(bus).reset(list.functions[i], by: list.functions[i].reset) { _ in }
                _ = FunctionReset(bus).restore(list.functions[i]) { _ in }
            }
            #expect(bus.mistakes == [])
        }
    }
}
