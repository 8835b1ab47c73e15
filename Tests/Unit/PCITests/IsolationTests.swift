import PCI
import Testing
import UnitSupport

@Suite struct IsolationTests {
    private func groups(_ bus: BusModel) -> IsolationGroups {
        var groups = IsolationGroups()
        BusScan(bus).forEach { groups.add($0, on: bus) }
        return groups
    }

    /// Each function with the lowest one that Linux has put into its group.
    private func expected(_ bus: BusModel) -> [UInt16: UInt16] {
        bus.functions.mapValues { one in bus.functions.filter { $0.value.group == one.group }.keys.min() ?? 0 }
    }

    /// All but the switch's: the ports of QEMU's have no access control, so that it sends from one to the other.
    @Test func groupsAreThoseOfLinux() throws {
        let bus = try BusModel.recorded()
        let groups = groups(bus)
        #expect(groups.isComplete)
        let expected = expected(bus)
        #expect(Set(expected.values).count == 20)
        for (function, group) in expected where !(6...9 ~= function >> 8) {
            #expect(groups.group(of: function) == group, "\(function)")
        }
        for name in Self.behindSwitch {
            #expect(groups.group(of: BusModel.id(name)) == BusModel.id("06:00.0"), "\(name)")
        }
        #expect(groups.group(of: BusModel.id("00:04.0")) == BusModel.id("00:04.0"))
    }

    private static let behindSwitch = ["06:00.0", "07:00.0", "07:01.0", "08:00.0", "09:00.0"]

    /// Either port alone lets its own side reach the other's, whichever is found first.
    @Test(arguments: [["07:00.0"], ["07:01.0"], ["07:00.0", "07:01.0"]]) func everyPortOfASwitchNeedsControl(
        _ controlled: [String]
    ) throws {
        let bus = try BusModel.recorded()
        for name in controlled {
            let port = try #require(bus.functions[BusModel.id(name)])
            // In place of error reporting.
            port.bytes.put(0x0001_000D as UInt32, at: try #require(port.capability(extended: 0x01)))
        }
        let groups = groups(bus)
        let isApart = controlled.count == 2
        for (name, own) in [("08:00.0", "08:00.0"), ("09:00.0", "09:00.0")] {
            let group = BusModel.id(isApart ? own : "06:00.0")
            #expect(groups.group(of: BusModel.id(name)) == group, "\(name)")
        }
        #expect(groups.group(virtualFunctionsOf: bus.describe("09:00.0")) == (isApart ? nil : BusModel.id("06:00.0")))
    }

    /// Without a port's capability everything behind it goes into the port's group: the switch of bus 6 to 9.
    @Test func aPortWithoutControlJoinsWhatIsBehindIt() throws {
        let bus = try BusModel.recorded()
        let port = try #require(bus.functions[BusModel.id("00:04.0")])
        port.bytes.put(0 as UInt32, at: try #require(port.capability(extended: 0x0D)))
        let groups = groups(bus)
        for name in ["00:04.0", "06:00.0", "07:00.0", "07:01.0", "08:00.0", "09:00.0"] {
            #expect(groups.group(of: BusModel.id(name)) == BusModel.id("00:04.0"), "\(name)")
        }
        #expect(groups.group(of: BusModel.id("05:00.0")) == BusModel.id("05:00.0"))
    }

    /// Two bridges with one bus behind them, or with the one's among the other's: nobody knows which leads there.
    @Test(arguments: [5...5, 5...6, 3...6, 4...5, 7...9] as [ClosedRange<UInt8>]) func aBusHasOneBridge(
        _ other: ClosedRange<UInt8>
    ) {
        for isFirst in [true, false] {
            let bus = BusModel()
            bus.add(isFirst ? "00:01.0" : "00:02.0", buses: 4...6)
            bus.add("04:00.0", buses: 5...6)
            bus.add(isFirst ? "00:02.0" : "00:01.0", buses: other)
            #expect(groups(bus).isComplete == (other.lowerBound == 7), "\(other)")
            var list = FunctionList()
            let isComplete = list.scan(bus)
            #expect(isComplete == (other.lowerBound == 7))
            if !isComplete { #expect((0..<list.count).allSatisfy { list.functions[$0].group == 0 }) }
        }
        // What has no number yet claims nothing.
        let bus = BusModel()
        for name in ["00:01.0", "00:02.0"] { bus.add(name, buses: 0...0) }
        #expect(groups(bus).isComplete)
    }

    @Test func functionsOfOneDeviceAreApartOnlyWithControl() throws {
        let bus = try BusModel.recorded()
        let second = BusModel.Function()
        let igb = try #require(bus.functions[BusModel.id("04:00.0")])
        second.bytes = igb.bytes
        second.barSizes = igb.barSizes
        bus.functions[BusModel.id("04:00.1")] = second
        igb.bytes[0x0E] |= 0x80
        #expect(groups(bus).group(of: BusModel.id("04:00.1")) == BusModel.id("04:00.0"))
        // Alternative routing, the first extended capability's neighbour, turned into access control.
        for function in [igb, second] { function.bytes.put(0x1601_000D as UInt32, at: 0x150) }
        #expect(groups(bus).group(of: BusModel.id("04:00.1")) == BusModel.id("04:00.1"))
    }

    @Test func bridgesToConventionalPCITakeTheirDevicesPlace() throws {
        let bus = try BusModel.recorded()
        let groups = groups(bus)
        // The first bus behind the PCI Express bridge, whatever lies below.
        #expect(groups.alias(of: bus.describe("0b:02.0")) == 0x0B00)
        #expect(groups.alias(of: bus.describe("0c:01.0")) == 0x0B00)
        // A conventional bridge uses its own id.
        #expect(groups.alias(of: bus.describe("0d:01.0")) == BusModel.id("00:1e.0"))
        #expect(groups.alias(of: bus.describe("04:00.0")) == nil)
        #expect(groups.alias(of: bus.describe("08:00.0")) == nil)
        #expect(groups.alias(of: bus.describe("00:1f.2")) == nil)
    }

    @Test func virtualFunctionsAreApartBehindIsolatingPorts() throws {
        let bus = try BusModel.recorded()
        #expect(groups(bus).group(virtualFunctionsOf: bus.describe("04:00.0")) == nil)
        let port = try #require(bus.functions[BusModel.id("00:02.3")])
        port.bytes.put(0 as UInt32, at: try #require(port.capability(extended: 0x0D)))
        // Its neighbour 02.2 has no capability either.
        #expect(groups(bus).group(virtualFunctionsOf: bus.describe("04:00.0")) == BusModel.id("00:02.2"))
    }

    @Test func whatABusResetTakesAlong() throws {
        let bus = try BusModel.recorded()
        let groups = groups(bus)
        let edu = bus.describe("05:00.0")
        #expect(groups.canResetBus(of: edu))
        #expect(groups.busReset(of: edu, takes: 0x0500) && groups.busReset(of: edu, takes: 0x0580))
        #expect(!groups.busReset(of: edu, takes: 0x0400) && !groups.busReset(of: edu, takes: 0x0600))
        // A bridge lies beside it, and would forget its bus numbers.
        #expect(!groups.canResetBus(of: bus.describe("0b:02.0")))
        #expect(groups.busReset(of: bus.describe("0b:02.0"), takes: 0x0C08))
        #expect(groups.canResetBus(of: bus.describe("0c:01.0")))
        #expect(groups.canResetBus(of: bus.describe("08:00.0")))
        #expect(!groups.canResetBus(of: bus.describe("00:1f.2")))
    }

    @Test func moreThanThereIsRoomForIsSaid() {
        let bus = BusModel()
        for i in 0..<UInt16(129) {
            let function = BusModel.Function()
            function.bytes.put(0x1234_1AF4 as UInt32, at: 0)
            function.bytes[0x0E] = 0x80
            bus.functions[i] = function
        }
        #expect(!groups(bus).isComplete)
        bus.functions[128] = nil
        #expect(groups(bus).isComplete)
    }

    /// Source validation, both redirections, upstream forwarding: as far as the port can. No way past them stays open: what
    /// firmware has enabled of direct translated requests and egress control goes.
    @Test func controlIsEnabledAsFarAsThePortCan() throws {
        let bus = try BusModel.recorded()
        let port = bus.describe("00:02.0")
        let recorded = try #require(bus.functions[port.requester])
        recorded.bytes[port.accessControl + 6] = 0x62
        AccessControl.enable(port, on: bus)
        #expect(recorded.bytes[port.accessControl + 6] == 0x1F)
        recorded.bytes[port.accessControl + 4] = 0x01
        recorded.bytes[port.accessControl + 6] = 0
        AccessControl.enable(port, on: bus)
        #expect(recorded.bytes[port.accessControl + 6] == 0x01)
        bus.writes = []
        AccessControl.enable(bus.describe("00:02.2"), on: bus)
        #expect(bus.writes == [])
    }

    /// Root ports of Intel's 100 and 200 series have registers of 4 bytes: what others have at 6 is reserved there.
    @Test(arguments: [UInt16(0x9D10), 0xA11F, 0xA167, 0xA290, 0xA2EE]) func controlMayBeWide(_ device: UInt16) throws {
        let bus = try BusModel.recorded()
        var port = bus.describe("00:02.0")
        let recorded = try #require(bus.functions[port.requester])
        (port.vendor, port.device) = (0x8086, device)
        let at = port.accessControl
        for i in 4..<12 { recorded.bytes[at + i] = i == 4 ? 0x1F : 0 }
        recorded.bytes[at + 8] = 0x62
        #expect(AccessControl.enable(port, on: bus))
        #expect(recorded.bytes[at + 8] == 0x1F && recorded.bytes[at + 6] == 0 && recorded.bytes[at + 4] == 0x1F)
        port.device = 0xA2EF
        #expect(AccessControl.enable(port, on: bus) && recorded.bytes[at + 6] == 0x1D)
    }

    /// What firmware's tables name joins functions, beside what bridges do: with the function that has the id, with all
    /// that pass for it, and with those behind the bridge whose id it is.
    @Test func functionsThatPassForOneAnotherAreOneGroup() throws {
        let bus = try BusModel.recorded()
        var plain = FunctionList()
        plain.scan(bus)
        let functions = (0..<plain.count).map { plain.functions[$0] }
        let apart = functions.filter { !$0.isOfTheMachine && $0.alias == nil && $0.group == $0.requester }
        let bridged = try #require(functions.first { $0.alias != nil })
        try #require(apart.count >= 3)
        func groups(_ aliases: [UInt16: UInt16]) -> (UInt16) -> UInt16 {
            var list = FunctionList()
            let isComplete = list.scan(bus, alias: { aliases[$0] })
            #expect(isComplete)
            return { list.group(of: FunctionAddress(requester: $0)) }
        }
        let ids = apart.prefix(3).map(\.requester)
        let none = groups([:])
        #expect(Set(ids.map(none)).count == 3)
        let same = groups([ids[0]: 0xFFF8, ids[1]: 0xFFF8])
        #expect(same(ids[0]) == same(ids[1]) && same(ids[0]) != same(ids[2]), "an id that no function has")
        let other = groups([ids[0]: ids[2]])
        #expect(other(ids[0]) == other(ids[2]) && other(ids[0]) != other(ids[1]), "another's id")
        let bridge = groups([ids[0]: try #require(bridged.alias)])
        #expect(bridge(ids[0]) == bridge(bridged.requester), "a bridge's")
        let both = groups([bridged.requester: ids[1]])
        #expect(both(bridged.requester) == both(ids[1]), "a bridge's and one that firmware names")
    }
}
