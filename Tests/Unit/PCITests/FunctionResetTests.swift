import PCI
import Testing
import UnitSupport

@Suite struct FunctionResetTests {
    /// Resets a function of the recorded machine.
    private func reset(_ name: String, by method: ResetMethod, _ bus: BusModel) -> (isBack: Bool, waited: [UInt32]) {
        let function = bus.describe(name)
        var waited: [UInt32] = []
        let isBack = FunctionReset(bus).reset(function, by: method) { waited.append($0) }
        return (isBack, waited)
    }

    @Test func aFunctionIsSilent() throws {
        let bus = try BusModel.recorded()
        let igb = bus.describe("04:00.0")
        let bytes = try #require(bus.functions[igb.requester])
        bytes.bytes[igb.msi + 2] |= 1
        bytes.bytes[igb.msix.capability + 3] |= 0x80
        bytes.bytes[4] |= 7
        FunctionReset(bus).silence(igb)
        #expect(bytes.bytes[4] & 4 == 0 && bytes.bytes[4] & 2 != 0 && bytes.bytes[5] & 4 != 0)
        #expect(bytes.bytes[igb.msi + 2] & 1 == 0)
        #expect(bytes.bytes[igb.msix.capability + 3] & 0xC0 == 0x40)
    }

    @Test func bridgesAreNotSilenced() throws {
        let bus = try BusModel.recorded()
        var bridges = 0
        BusScan(bus).forEach { function in
            guard function.isBridge else { return }
            bridges += 1
            bus.writes = []
            FunctionReset(bus).silence(function)
            #expect(bus.writes == [])
        }
        #expect(bridges > 10)
    }

    @Test func functionLevelResetIsTheFunctionsOwn() throws {
        let bus = try BusModel.recorded()
        let control = bus.describe("04:00.0").express + 8
        let (isBack, waited) = reset("04:00.0", by: .functionLevel, bus)
        #expect(isBack && waited == [100_000])
        let id = BusModel.id("04:00.0")
        #expect(bus.writes.contains { $0.offset == control && $0.value & 0x8000 != 0 })
        #expect(bus.writes.allSatisfy { $0.function == id })
        // What was going on ended before.
        let begin = try #require(bus.writes.firstIndex { $0.offset == control })
        #expect(bus.writes[..<begin].contains { $0.offset == 4 && $0.value & 4 == 0 })
        // And the registers are where they were.
        let registers = bus.writes[begin...].filter { 0x10..<0x28 ~= $0.offset }
        #expect(registers.map(\.offset) == [0x10, 0x14, 0x18, 0x1C, 0x20])
        #expect(bus.describe("04:00.0").bars[0].address == 0xC0A2_0000)
        #expect(bus.functions[id]?.bytes[4] == 0)
    }

    @Test func pendingTransactionsAreWaitedForWithinBounds() throws {
        let bus = try BusModel.recorded()
        let igb = bus.describe("04:00.0")
        bus.functions[igb.requester]?.bytes[igb.express + 10] |= 1 << 5
        let (isBack, waited) = reset("04:00.0", by: .functionLevel, bus)
        #expect(isBack)
        #expect(waited == [UInt32](repeating: 1000, count: 100) + [100_000])
    }

    @Test func aFunctionThatComesBackLateIsWaitedFor() throws {
        let bus = try BusModel.recorded()
        bus.recovery = 5
        let (isBack, waited) = reset("04:00.0", by: .functionLevel, bus)
        #expect(isBack)
        #expect(waited == [100_000] + [UInt32](repeating: 10_000, count: 5))
    }

    @Test func aFunctionThatIsLostIsReported() throws {
        let bus = try BusModel.recorded()
        bus.recovery = 1000
        let (isBack, waited) = reset("04:00.0", by: .functionLevel, bus)
        #expect(!isBack)
        #expect(waited.count == 101)
    }

    @Test func aBusResetGoesThroughTheBridgeAbove() throws {
        let bus = try BusModel.recorded()
        let (isBack, waited) = reset("05:00.0", by: .bus, bus)
        #expect(isBack && waited == [2000, 100_000])
        let bridge = bus.writes.filter { $0.function == BusModel.id("00:03.0") }
        #expect(bridge.map(\.offset) == [0x3E, 0x3E])
        #expect(bridge.map { $0.value & 1 << 6 } == [1 << 6, 0])
        #expect(bus.held == [])
        #expect(bus.functions[BusModel.id("05:00.0")]?.bytes[0x13] == 0xC0)
        #expect(bus.functions[BusModel.id("05:00.0")]?.bytes[4] == 0)
        #expect(bus.functions[BusModel.id("04:00.0")]?.bytes[4] != 0)
    }

    @Test func powerStatesGoDownAndUp() throws {
        let bus = try BusModel.recorded()
        let state = bus.describe("02:00.0").powerManagement + 4
        let (isBack, waited) = reset("02:00.0", by: .powerState, bus)
        #expect(isBack && waited == [10_000, 10_000])
        #expect(bus.writes.filter { $0.offset == state }.map { $0.value & 3 } == [3, 0])
    }

    /// A reset clears what keeps the functions of a device apart.
    @Test func accessControlIsThereAgain() throws {
        let bus = try BusModel.recorded()
        let igb = try #require(bus.functions[BusModel.id("04:00.0")])
        // Alternative routing turned into access control.
        igb.bytes.put(0x1601_000D as UInt32, at: 0x150)
        igb.bytes.put(0x005D_005D as UInt32, at: 0x154)
        let (isBack, _) = reset("04:00.0", by: .functionLevel, bus)
        #expect(isBack)
        #expect(igb.bytes[0x156] == 0x1D)
    }

    /// A register that can be resized has its default size after a reset, and then not the address that it had.
    @Test func aRegisterThatComesBackLargerIsReported() throws {
        let bus = try BusModel.recorded()
        let igb = bus.describe("04:00.0")
        bus.functions[igb.requester]?.barSizes[0] = 1 << 28
        #expect(igb.bars[0].address & (1 << 28 - 1) != 0)
        #expect(!FunctionReset(bus).reset(igb, by: .functionLevel) { _ in })
    }
}
