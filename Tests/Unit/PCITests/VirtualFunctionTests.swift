import PCI
import Testing
import UnitSupport

@Suite struct VirtualFunctionTests {
    private static let igb: UInt16 = 0x0400

    @Test func whatThereIsIsReadAndNothingChanged() throws {
        let bus = try BusModel.recorded()
        let igb = bus.describe("04:00.0")
        let before = bus.functions.mapValues(\.bytes)
        let found = try VirtualFunctions(of: igb, on: bus)
        #expect(bus.functions.mapValues(\.bytes) == before)
        #expect(found.total == 8 && found.offset == 0x80 && found.stride == 2 && found.device == 0x10CA)
        // Linux saw 128 KiB for eight.
        #expect(found.bars[0].size == 0x4000 && found.bars[0].kind == .memory64)
        #expect(found.bars[0].address == 0xE0_6002_0000)
        #expect(found.bars[1].kind == .none)
        #expect(found.bars[3].size == 0x4000 && found.bars[3].address == 0xE0_6000_0000)
    }

    @Test func enabledOnesAreDescribed() throws {
        let bus = try BusModel.recorded()
        let igb = bus.describe("04:00.0")
        let found = try VirtualFunctions(of: igb, on: bus)
        #expect(found.describe(1, of: igb, on: bus) == nil)
        #expect(found.enable(2, on: bus) == 100_000)
        let capability = try #require(bus.functions[Self.igb])
        #expect(capability.bytes[0x168] & 9 == 9 && capability.bytes[0x170] == 2)
        // The machine's part: two functions without identifiers.
        for k in 0..<2 {
            let virtual = BusModel.Function()
            virtual.bytes = capability.bytes
            virtual.bytes.put(0 as UInt32, at: 0x160)
            virtual.isVirtual = true
            bus.functions[found.requester(k)] = virtual
        }
        bus.writes = []
        let second = try #require(found.describe(1, of: igb, on: bus))
        #expect(bus.writes == [])
        #expect(second.requester == 0x0482 && second.vendor == 0x8086 && second.device == 0x10CA)
        #expect(second.physicalFunction == Self.igb && second.bridge == igb.bridge && second.hasFunctionReset)
        #expect(second.bars[0].address == 0xE0_6002_4000 && second.bars[0].size == 0x4000)
        #expect(second.bars[3].address == 0xE0_6000_4000)
        #expect(second.msix.capability == 0x70)
    }

    @Test func theyComeBackAfterAResetOfThePhysicalFunction() throws {
        let bus = try BusModel.recorded()
        let igb = bus.describe("04:00.0")
        let found = try VirtualFunctions(of: igb, on: bus)
        _ = found.enable(3, on: bus)
        let enabled = try #require(bus.functions[Self.igb]).bytes[0x160..<0x1A0]
        FunctionReset(bus).reset(igb, by: .functionLevel) { _ in }
        #expect(try #require(bus.functions[Self.igb]).bytes[0x160..<0x1A0] != enabled)
        #expect(found.enable(3, on: bus) == 100_000)
        #expect(try #require(bus.functions[Self.igb]).bytes[0x160..<0x1A0] == enabled)
        // Enabled already: their number must not be written.
        bus.writes = []
        #expect(found.enable(3, on: bus) == 0 && bus.writes == [])
        VirtualFunctions.disable(of: igb, on: bus)
        #expect(bus.functions[Self.igb]?.bytes[0x168] == 0x10)
        bus.writes = []
        VirtualFunctions.disable(of: igb, on: bus)
        VirtualFunctions.disable(of: bus.describe("05:00.0"), on: bus)
        #expect(bus.writes == [])
    }

    /// One whose registers have another size than before is not enabled.
    @Test func registersOfAnotherSizeAreNotEnabled() throws {
        let bus = try BusModel.recorded()
        let igb = bus.describe("04:00.0")
        let found = try VirtualFunctions(of: igb, on: bus)
        bus.functions[Self.igb]?.barSizes[7]? *= 2
        #expect(found.enable(2, on: bus) == 0)
        #expect(bus.functions[Self.igb]?.bytes[0x168] == 0x10)
    }

    @Test func whatCannotBeEnabledIsRefused() throws {
        let bus = try BusModel.recorded()
        let igb = bus.describe("04:00.0")
        let found = try VirtualFunctions(of: igb, on: bus)
        try found.require(8, lastBus: 4)
        try found.require(0, lastBus: 0)
        #expect(throws: VirtualFunctionError.tooMany) { try found.require(9, lastBus: 4) }
        #expect(throws: VirtualFunctionError.noBus) { try found.require(1, lastBus: 3) }
        #expect(throws: VirtualFunctionError.absent) { try VirtualFunctions().require(1, lastBus: 255) }
        // Several would lie in one page, which one owner would get whole.
        let sized = try #require(bus.functions[Self.igb])
        let size = sized.barSizes[7]
        sized.barSizes[7] = 256 * UInt64(sized.word(0x160 + 0x0C) >> 16)
        let small = try VirtualFunctions(of: igb, on: bus)
        #expect(throws: VirtualFunctionError.noAddresses) { try small.require(1, lastBus: 4) }
        // 24 KiB each: the model's mask is then none that an address could be told by.
        sized.barSizes[7] = 0x6000 * UInt64(sized.word(0x160 + 0x0C) >> 16)
        let odd = try VirtualFunctions(of: igb, on: bus)
        #expect(odd.bars[0].size.nonzeroBitCount > 1)
        #expect(throws: VirtualFunctionError.noAddresses) { try odd.require(1, lastBus: 4) }
        sized.barSizes[7] = size
        let e1000e = bus.describe("02:00.0")
        #expect(throws: VirtualFunctionError.absent) { try VirtualFunctions(of: e1000e, on: bus) }
        let recorded = try #require(bus.functions[Self.igb])
        recorded.bytes[0x168] |= 1
        #expect(throws: VirtualFunctionError.enabled) { try VirtualFunctions(of: igb, on: bus) }
        recorded.bytes[0x168] &= 0xFE
        // As a reset leaves them.
        FunctionReset(bus).reset(igb, by: .functionLevel) { _ in }
        let lost = try VirtualFunctions(of: igb, on: bus)
        #expect(throws: VirtualFunctionError.noAddresses) { try lost.require(1, lastBus: 4) }
    }
}
