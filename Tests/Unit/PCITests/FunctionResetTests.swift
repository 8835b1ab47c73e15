import PCI
import Testing
import UnitSupport

@Suite struct FunctionResetTests {
    /// Resets a function of the recorded machine.
    private func reset(_ name: String, by method: ResetMethod, _ bus: BusModel) -> (isBack: Bool, waited: [UInt32]) {
        let function = bus.describe(name)
        var waited: [UInt32] = []
        FunctionReset(bus).reset(function, by: method) { waited.append($0) }
        let isBack = FunctionReset(bus).restore(function) { waited.append($0) }
        return (isBack, waited)
    }

    @Test func aFunctionIsSilent() throws {
        let bus = try BusModel.recorded()
        let igb = bus.describe("04:00.0")
        let bytes = try #require(bus.functions[igb.requester])
        bytes.bytes[igb.msi + 2] |= 1
        bytes.bytes[igb.msix.capability + 3] |= 0x80
        bytes.bytes[4] |= 7
        bytes.bytes.put(0xC0A0_0001 as UInt32, at: 0x30)
        FunctionReset(bus).silence(igb)
        #expect(bytes.word(0x30) == 0, "its ROM lies over nobody's registers")
        #expect(bytes.bytes[4] & 4 == 0 && bytes.bytes[4] & 2 != 0 && bytes.bytes[5] & 4 != 0)
        #expect(bytes.bytes[igb.msi + 2] & 1 == 0)
        #expect(bytes.bytes[igb.msix.capability + 3] & 0xC0 == 0x40)
    }

    /// But for the ROM of a port.
    @Test func bridgesAreNotSilenced() throws {
        let bus = try BusModel.recorded()
        var bridges = 0
        BusScan(bus).forEach { function in
            guard function.isBridge else { return }
            bridges += 1
            bus.writes = []
            FunctionReset(bus).silence(function)
            let rom = BusModel.Write(function: function.requester, offset: 0x38, size: 4, value: 0)
            #expect(bus.writes == (function.secondaryBus != 0 ? [rom] : []))
        }
        #expect(bridges > 10)
    }

    /// A root port that can lets software see that a function is not yet ready: else a read after a reset may hold the core up without end
    /// (PCI Express Base 6.0, sections 2.3.2 and 7.5.3.12).
    @Test func whoIsNotReadyIsSeen() throws {
        let bus = try BusModel.recorded(), port = bus.describe("00:03.0")
        let bytes = try #require(bus.functions[port.requester])
        for (type, capable) in [(4, true), (4, false), (6, true)] as [(UInt16, Bool)] {
            bytes.bytes.put(type << 4 | 2, at: port.express + 2)
            bytes.bytes.put((capable ? 1 : 0) as UInt16, at: port.express + 0x1E)
            bytes.bytes.put(0x0007 as UInt16, at: port.express + 0x1C)
            bus.writes = []
            FunctionReset(bus).silence(port)
            let seen = bus.writes.filter { $0.offset == port.express + 0x1C }.map(\.value)
            #expect(seen == (type == 4 && capable ? [0x17] : []))
        }
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
        #expect(registers.prefix(5).map(\.offset) == [0x10, 0x14, 0x18, 0x1C, 0x20])
        #expect(bus.mistakes == [], "what is read back decodes nothing")
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
        // One that does not keep it is not back.
        igb.forgets = [0x156]
        #expect(AccessControl.enable(bus.describe("04:00.0"), on: bus), "what is on stays on")
        #expect(reset("04:00.0", by: .functionLevel, bus).isBack == false)
        #expect(!AccessControl.enable(bus.describe("04:00.0"), on: bus))
        #expect(AccessControl.enable(bus.describe("05:00.0"), on: bus), "it has none")
    }

    /// A bus is reset once for all behind it, and not while virtual functions behind it stay, whatever the order.
    @Test func aBusIsResetOnceAndNotUnderVirtualFunctions() {
        var one = FunctionDescription(), other = FunctionDescription()
        (one.bridge, other.bridge, one.reset, other.reset) = (0x10, 0x10, .bus, .bus)
        for isBefore in [true, false] {
            #expect(one.isReset(with: other, isBefore: isBefore, stays: false) == isBefore)
            #expect(one.isReset(with: other, isBefore: isBefore, stays: true))
        }
        other.reset = .functionLevel
        #expect(!one.isReset(with: other, isBefore: true, stays: false))
        #expect(one.isReset(with: other, isBefore: false, stays: true))
        other.bridge = 0x18
        #expect(!one.isReset(with: other, isBefore: true, stays: true))
        (other.bridge, one.reset) = (0x10, .functionLevel)
        #expect(!one.isReset(with: other, isBefore: true, stays: true))
    }

    /// A size that is no power of two is not one that a register could be given.
    @Test func oddSizesDoNotStopTheMachine() throws {
        let (bus, _) = try resizable()
        var odd = bus.describe("04:00.0")
        odd.bars[0].size = 3 << 19
        #expect(!FunctionReset(bus).restore(odd) { _ in })
        odd.bars[0].size = 1 << 63
        #expect(!FunctionReset(bus).restore(odd) { _ in })
    }

    /// The recorded igb with a capability for resizable registers in place of alternative routing: its first one has 1 MiB.
    private func resizable() throws -> (bus: BusModel, igb: BusModel.Function) {
        let bus = try BusModel.recorded()
        let igb = try #require(bus.functions[BusModel.id("04:00.0")])
        igb.bytes.put(0x1601_0015 as UInt32, at: 0x150)
        igb.bytes.put(0xFFFF_FFF0 as UInt32, at: 0x154)
        igb.bytes.put(0x0000_0020 as UInt32, at: 0x158)
        igb.barSizes[0] = 1 << 20
        igb.bytes.put(0xC0A0_0000 as UInt32, at: 0x10)
        return (bus, igb)
    }

    /// A register that can be resized has its default size after a reset: it gets the one that firmware had chosen.
    @Test func registersGetTheirSizesBack() throws {
        let (bus, igb) = try resizable()
        let before = bus.describe("04:00.0")
        #expect(before.resizable == 0x150 && before.bars[0].size == 1 << 20)
        FunctionReset(bus).reset(before, by: .functionLevel) { _ in }
        // The default is larger, and the address would be right for it too.
        igb.barSizes[0] = 1 << 21
        #expect(FunctionReset(bus).restore(before) { _ in })
        #expect(igb.barSizes[0] == 1 << 20 && bus.describe("04:00.0").bars[0] == before.bars[0])
        #expect(bus.mistakes == [])
    }

    @Test func aRegisterOfAnotherSizeIsReported() throws {
        for (size, address) in [(1 << 21, 0xC0A0_0000), (1 << 19, 0xC0A0_0000), (1 << 28, 0xC0A0_0000)]
            as [(UInt64, UInt32)]
        {
            let (bus, igb) = try resizable()
            let before = bus.describe("04:00.0")
            // It has no such capability, and comes back with another size.
            igb.bytes.put(0 as UInt16, at: 0x150)
            var lost = before
            lost.resizable = 0
            FunctionReset(bus).reset(before, by: .functionLevel) { _ in }
            igb.barSizes[0] = size
            #expect(!FunctionReset(bus).restore(lost) { _ in }, "\(size) at \(address)")
        }
    }

    /// All 64 bits of an address are compared.
    @Test func aRegisterElsewhereIsReported() throws {
        let bus = try BusModel.recorded()
        let nvme = bus.describe("01:00.0")
        #expect(nvme.bars[0].kind == .memory64)
        FunctionReset(bus).reset(nvme, by: .functionLevel) { _ in }
        #expect(FunctionReset(bus).restore(nvme) { _ in })
        var elsewhere = nvme
        elsewhere.bars[0].size <<= 20
        #expect(!FunctionReset(bus).restore(elsewhere) { _ in })
    }

    @Test func anotherFunctionIsNotTakenForTheOneThatWasThere() throws {
        for vendor in [0x0001, 0x0000, 0xFFFF, 0x1AF4] as [UInt16] {
            let bus = try BusModel.recorded()
            let igb = bus.describe("04:00.0")
            FunctionReset(bus).reset(igb, by: .functionLevel) { _ in }
            bus.functions[igb.requester]?.bytes.put(vendor, at: 0)
            bus.writes = []
            #expect(!FunctionReset(bus).restore(igb) { _ in })
            #expect(bus.writes == [], "it is left alone")
        }
    }

    @Test func aVirtualFunctionThatIsGoneIsReported() throws {
        let bus = try BusModel.recorded()
        var virtual = bus.describe("04:00.0")
        virtual.physicalFunction = virtual.requester
        bus.functions[virtual.requester]?.isVirtual = true
        #expect(FunctionReset(bus).restore(virtual) { _ in })
        bus.functions[virtual.requester] = nil
        var waited = 0
        #expect(!FunctionReset(bus).restore(virtual) { waited += Int($0) })
        #expect(waited == 1_000_000)
    }

    /// A bus reset takes all along that lies behind the bridge; what is set again afterwards is each one's own.
    @Test func whatOneResetTookIsRestoredForAll() throws {
        let bus = try BusModel.recorded()
        let igb = bus.describe("04:00.0")
        let virtual = try VirtualFunctions(of: igb, on: bus)
        _ = virtual.enable(3, on: bus)
        let bytes = try #require(bus.functions[igb.requester])
        let enabled = bytes.bytes[0x160..<0x1A0]
        FunctionReset(bus).reset(igb, by: .bus) { _ in }
        #expect(bytes.bytes[0x160..<0x1A0] != enabled)
        // For a neighbour, nothing of it is touched.
        let edu = bus.describe("05:00.0")
        FunctionReset(bus).reset(edu, by: .bus) { _ in }
        #expect(FunctionReset(bus).restore(edu) { _ in })
        #expect(!bus.writes.contains { $0.function == igb.requester })
        #expect(FunctionReset(bus).restore(igb) { _ in })
        #expect(virtual.enable(3, on: bus) == 100_000)
        #expect(bytes.bytes[0x160..<0x1A0] == enabled)
        // Nor do restores end what is enabled, of the function's or of others.
        bus.writes = []
        #expect(FunctionReset(bus).restore(igb) { _ in } && FunctionReset(bus).restore(edu) { _ in })
        #expect(bytes.bytes[0x160..<0x1A0] == enabled)
    }
}
