import PCI
import Testing

/// Which registers cannot become a partition's.
@Suite struct RegisterCheckTests {
    private static let own = FunctionAddress(requester: 0x100)
    private static let other = FunctionAddress(requester: 0x200)

    private func function(_ bar: BaseAddress, _ address: FunctionAddress = own) -> FunctionDescription {
        var function = FunctionDescription()
        function.address = address
        function.bars[2] = bar
        return function
    }

    private func refusal(
        _ bar: BaseAddress, beside neighbour: BaseAddress? = nil, machine: MachineRanges = MachineRanges(),
        memory: Range<UInt64> = 0x10_0000..<0x2000_0000
    ) -> RegisterError? {
        var list = FunctionList()
        list.append(function(bar))
        if let neighbour { list.append(function(neighbour, Self.other)) }
        do throws(RegisterError) {
            try list.requireOwnRegisters(
                of: function(bar), VirtualFunctions(), 0, besides: machine, isMemory: { $0.overlaps(memory) })
            return nil
        } catch { return error }
    }

    private func memory(_ address: UInt64, _ size: UInt64 = 0x1000, wide: Bool = true) -> BaseAddress {
        BaseAddress(wide ? .memory64 : .memory32, address: address, size: size)
    }

    @Test func whatIsAFunctionsOwnIsAccepted() {
        #expect(refusal(memory(0xC000_0000)) == nil)
        #expect(refusal(memory(0xC000_0000), beside: memory(0xC000_1000)) == nil)
        #expect(refusal(BaseAddress(.port, address: 0, size: 32)) == nil, "ports are not mapped")
        #expect(refusal(memory(1 << 40, 1 << 30)) == nil)
    }

    @Test func aWideRegisterHasTwoSlots() {
        var function = FunctionDescription()
        func refusal(_ bar: BaseAddress) -> RegisterError? {
            function.bars[5] = bar
            do throws(RegisterError) {
                try FunctionList().requireOwnRegisters(
                    of: function, VirtualFunctions(), 0, besides: MachineRanges(), isMemory: { _ in false })
                return nil
            } catch { return error }
        }
        #expect(refusal(memory(0xC000_0000)) == .noAddress)
        #expect(refusal(memory(0xC000_0000, wide: false)) == nil)
    }

    /// Pages are trapped where a register has its MSI-X table or an xHCI controller's legacy support: another one of the
    /// function's must not lead there.
    @Test func registersOfOneFunctionDoNotLeadToWhatIsTrapped() {
        func refusal(_ change: (inout FunctionDescription) -> Void) -> RegisterError? {
            var function = function(memory(0xC000_0800, 0x400))
            function.bars[0] = memory(0xC000_0000, 0x800)
            change(&function)
            do throws(RegisterError) {
                try FunctionList().requireOwnRegisters(
                    of: function, VirtualFunctions(), 0, besides: MachineRanges(), isMemory: { _ in false })
                return nil
            } catch { return error }
        }
        #expect(refusal { _ in } == nil)
        #expect(refusal { $0.msix.capability = 0x70 } == .shared(with: Self.own))
        #expect(refusal { $0.classCode = 0x0C0330 } == .shared(with: Self.own))
        #expect(
            refusal {
                $0.msix.capability = 0x70
                $0.bars[0].address = 0xC000_1000
            } == nil)
    }

    /// The interface of USB's class tells: 10h is OHCI, 20h EHCI.
    @Test(arguments: [(0x0C0310, true), (0x0C0320, false), (0x0C0330, false), (0x0C0410, false)] as [(UInt32, Bool)])
    func controllersThatRaiseSMIsAreRefused(_ classCode: UInt32, _ isRefused: Bool) {
        var function = function(memory(0xC000_0000))
        function.classCode = classCode
        var found: RegisterError?
        do throws(RegisterError) {
            try FunctionList().requireOwnRegisters(
                of: function, VirtualFunctions(), 0, besides: MachineRanges(), isMemory: { _ in false })
        } catch { found = error }
        #expect(found == (isRefused ? .raisesSMIs : nil))
    }

    @Test func registersWithoutAnAddressAreRefused() {
        #expect(refusal(memory(0xC000_0000, 0x3000)) == .noAddress, "no power of two")
        #expect(refusal(memory(0)) == .noAddress)
        #expect(refusal(memory(.max & ~0xFFF)) == .noAddress, "all ones")
        #expect(refusal(memory(0xFFFF_F000, wide: false)) == .taken, "all ones in 32 bits: the flash memory")
        #expect(refusal(memory(0xC000_0800)) == .noAddress, "not aligned")
        #expect(refusal(memory(1 << 52)) == .noAddress, "beyond what is physical")
        #expect(refusal(memory(1 << 51, 1 << 52)) == .noAddress)
    }

    @Test func registersWhereTheMachineHasSomethingElseAreRefused() {
        #expect(refusal(memory(0x10_0000)) == .taken && refusal(memory(0x1FFF_F000)) == .taken, "memory")
        #expect(refusal(memory(0x2000_0000)) == nil)
        for address in [0x1000, 0x9_F000, 0xA_0000, 0xC_0000, 0xF_F000] as [UInt64] {
            let found = refusal(memory(address), memory: 0..<0)
            #expect(found == .taken, "below 1 MiB, whatever the firmware's map lists")
        }
        #expect(refusal(memory(0x10_0000), memory: 0..<0) == nil)
        for address in [0xFEC0_0000, 0xFED0_0000, 0xFEE0_0000, 0xFFFF_0000] as [UInt64] {
            #expect(refusal(memory(address)) == .taken, "I/O APIC, HPET, local APIC, flash memory")
        }
        #expect(refusal(memory(0xFEBF_F000)) == nil && refusal(memory(0x1_0000_0000)) == nil)
        var machine = MachineRanges()
        machine.add(0xE000_0000, 0x1000_0000)
        machine.add(0xD000_0000, 0x4000)
        #expect(refusal(memory(0xE010_0000), machine: machine) == .taken, "configuration space")
        #expect(refusal(memory(0xD000_3000), machine: machine) == .taken, "a remapping unit")
        #expect(refusal(memory(0xD000_4000), machine: machine) == nil)
    }

    /// MCFG of a machine with three segments, the second of which begins at bus 10h.
    @Test func configurationSpaceOfAllSegmentsIsTaken() {
        var table = [UInt8](repeating: 0, count: 44)
        for (base, segment, buses) in [
            (0xE000_0000, 0, 0...0xFF), (0xD000_0000, 1, 0x10...0x1F), (0x40_0000_0000, 2, 0...0),
        ] as [(UInt64, UInt8, ClosedRange<UInt8>)] {
            table += (0..<8).map { UInt8(truncatingIfNeeded: base >> (8 * $0)) }
            table += [segment, 0, buses.lowerBound, buses.upperBound, 0, 0, 0, 0]
        }
        var machine = MachineRanges()
        machine.add(mcfg: table.span)
        for address in [0xE000_0000, 0xEFFF_F000, 0xD100_0000, 0xD1FF_F000, 0x40_0000_0000, 0x40_000F_F000] as [UInt64]
        {
            #expect(refusal(memory(address), machine: machine) == .taken, "\(address)")
        }
        for address in [0xF000_0000, 0xD200_0000, 0x40_0010_0000] as [UInt64] {
            #expect(refusal(memory(address), machine: machine) == nil, "\(address)")
        }
        // One that is cut short says nothing more.
        for count in [0, 43, 44, 59] {
            var cut = MachineRanges()
            cut.add(mcfg: [UInt8](table.prefix(count)).span)
            #expect(refusal(memory(0xE000_0000), machine: cut) == nil)
        }
        var first = MachineRanges()
        first.add(mcfg: [UInt8](table.prefix(60)).span)
        #expect(refusal(memory(0xE000_0000), machine: first) == .taken)
        #expect(refusal(memory(0xD100_0000), machine: first) == nil)
    }

    @Test func allRegistersOfARemappingUnitAreTaken() {
        var machine = MachineRanges()
        machine.add(unit: 0xD000_0000)
        machine.add(unit: 0xD100_1000)
        machine.add(unit: 0xD200_1000, 0x8000)
        for address in [0xD000_0000, 0xD007_F000, 0xD100_4000, 0xD200_8000] as [UInt64] {
            #expect(refusal(memory(address), machine: machine) == .taken, "\(address)")
        }
        for address in [0xD008_0000, 0xD100_5000, 0xD200_9000] as [UInt64] {
            #expect(refusal(memory(address), machine: machine) == nil, "\(address)")
        }
    }

    @Test func pagesOfAnotherFunctionAreRefused() {
        let shared = RegisterError.shared(with: Self.other)
        #expect(refusal(memory(0xC000_0000, 0x100), beside: memory(0xC000_0800, 0x100)) == shared)
        #expect(refusal(memory(0xC000_0000, 0x4000), beside: memory(0xC000_3000)) == shared)
        #expect(refusal(memory(0xC000_3000), beside: memory(0xC000_0000, 0x4000)) == shared)
        // One that nobody has given an address does not stop the machine, wherever it ends.
        #expect(refusal(memory(0xC000_0000), beside: memory(.max & ~0xFFF)) == nil)
        #expect(refusal(memory(0xC000_0000), beside: memory(.max & ~0xFFFF, 0x2_0000)) == nil)
    }

    @Test func virtualFunctionsClaimPagesToo() throws {
        let bus = try BusModel.recorded()
        let igb = bus.describe("04:00.0")
        let virtual = try VirtualFunctions(of: igb, on: bus)
        var list = FunctionList()
        list.append(igb)
        // Behind the registers of the first two.
        list.append(function(memory(0xE0_6002_8000), Self.other))
        func refusal(_ count: Int) -> RegisterError? {
            do throws(RegisterError) {
                try list.requireOwnRegisters(
                    of: igb, virtual, count, besides: MachineRanges(), isMemory: { _ in false })
                return nil
            } catch { return error }
        }
        #expect(refusal(0) == nil && refusal(2) == nil)
        #expect(refusal(3) == .shared(with: Self.other))
        // Nor may they lie in the pages of their own physical function.
        var physical = igb
        physical.bars[0] = memory(0xE0_6002_4000)
        list = FunctionList()
        list.append(physical)
        #expect(refusal(0) == nil && refusal(1) == nil && refusal(2) == .shared(with: igb.address))
        #expect(virtual.meet(1, virtual, 1) && !VirtualFunctions().meet(1, virtual, 1))
        #expect(!virtual.meet(0, virtual, 1))
    }

    /// Two physical functions' virtual ones: neither one id nor one page.
    @Test func virtualFunctionsOfTwoPhysicalOnesMeet() throws {
        let bus = try BusModel.recorded()
        let one = try VirtualFunctions(of: bus.describe("04:00.0"), on: bus)
        let bytes = try #require(bus.functions[BusModel.id("04:00.0")])
        let neighbour = BusModel.Function()
        (neighbour.bytes, neighbour.barSizes) = (bytes.bytes, bytes.barSizes)
        bus.functions[BusModel.id("04:00.0")]?.bytes[0x0E] |= 0x80
        bus.functions[BusModel.id("04:00.1")] = neighbour
        func other(_ low: UInt32) throws -> VirtualFunctions {
            neighbour.bytes.put(low, at: 0x160 + 0x24)
            neighbour.bytes.put(0xD000_000C as UInt32, at: 0x160 + 0x30)
            return try VirtualFunctions(of: bus.describe("04:00.1"), on: bus)
        }
        // 04:10.0, .2, .4 and 04:10.1, .3, .5; eight registers of 16 KiB from 6000_0000h and from 6002_0000h on.
        #expect(try one.meet(2, other(0x6002_8004), 8) == false)
        #expect(try one.meet(3, other(0x6002_8004), 8))
        #expect(try one.meet(8, other(0x5FFF_C004), 1) == false)
        #expect(try one.meet(8, other(0x5FFF_C004), 2))
        // 04:10.2 and on, by an offset of 129.
        neighbour.bytes.put(0x81 as UInt16, at: 0x160 + 0x14)
        #expect(try one.meet(1, other(0x7000_0004), 8) == false)
        #expect(try one.meet(2, other(0x7000_0004), 1))
    }

    @Test func registersOfOneVirtualFunctionAreNotAnothers() throws {
        let bus = try BusModel.recorded()
        let bytes = try #require(bus.functions[BusModel.id("04:00.0")])
        // The third register begins where the first ones of number 2 and up are.
        bytes.bytes.put(0x6002_800C as UInt32, at: 0x160 + 0x30)
        let igb = bus.describe("04:00.0")
        let virtual = try VirtualFunctions(of: igb, on: bus)
        let list = FunctionList()
        func refusal(_ count: Int) -> RegisterError? {
            do throws(RegisterError) {
                try list.requireOwnRegisters(
                    of: igb, virtual, count, besides: MachineRanges(), isMemory: { _ in false })
                return nil
            } catch { return error }
        }
        #expect(refusal(2) == nil && refusal(3) == .shared(with: igb.address))
    }

    /// Bridges decode registers of their own, which nobody may have in a page.
    @Test func bridgesHaveRegistersToo() throws {
        let bus = try BusModel.recorded()
        var list = FunctionList()
        list.scan(bus)
        func refusal(_ address: UInt64) -> RegisterError? {
            do throws(RegisterError) {
                try list.requireOwnRegisters(
                    of: function(memory(address)), VirtualFunctions(), 0, besides: MachineRanges(),
                    isMemory: { _ in false })
                return nil
            } catch { return error }
        }
        let port = FunctionAddress(requester: BusModel.id("00:02.0"))
        #expect(refusal(0xC134_9000) == .shared(with: port))
        #expect(refusal(0xC134_A000) == nil)
    }

    @Test func whatCoresDoNotReachIsRefused() {
        let narrow = MachineRanges(addressBits: 39)
        #expect(refusal(memory(1 << 39 - 0x1000), machine: narrow) == nil)
        #expect(refusal(memory(1 << 39), machine: narrow) == .noAddress)
        #expect(refusal(memory(1 << 38, 1 << 38), machine: narrow) == nil)
        // A core's tables map it one-to-one, in the lower half of the address space.
        let wide = MachineRanges(addressBits: 52)
        #expect(refusal(memory(1 << 47 - 0x1000), machine: wide) == nil)
        #expect(refusal(memory(1 << 47), machine: wide) == .noAddress)
    }

    @Test func rangesThatWrapOrDoNotFitHideNothing() {
        var machine = MachineRanges()
        machine.add(1 << 40, .max)
        #expect(refusal(memory(1 << 41), machine: machine) == .taken)
        #expect(refusal(memory(1 << 39), machine: machine) == nil)
        for i in 0..<61 { machine.add(UInt64(i) << 12, 0x1000) }
        #expect(refusal(memory(1 << 39), machine: machine) == nil)
        machine.add(0, 0x1000)
        #expect(refusal(memory(1 << 39), machine: machine) == .taken, "one too many")
    }

    /// A virtual function takes an id that no function has, on a bus to which no other bridge leads.
    @Test func realFunctionsAreReal() throws {
        let bus = try BusModel.recorded()
        var list = FunctionList()
        list.scan(bus)
        let nvme = bus.describe("01:00.0")
        #expect(list.hasRoom(for: BusModel.id("01:10.0"), of: nvme))
        #expect(!list.hasRoom(for: BusModel.id("01:00.0"), of: nvme))
        #expect(!list.hasRoom(for: BusModel.id("02:00.0"), of: nvme) && !list.hasRoom(for: 0x0280, of: nvme))
        #expect(list.hasRoom(for: 0x0E00, of: nvme), "behind no bridge")
        let igb = bus.describe("04:00.0")
        var physical = igb
        (physical.virtualTotal, physical.virtualOffset, physical.virtualStride) = (8, 0x100, 2)
        list = FunctionList()
        list.append(physical)
        let real = FunctionAddress(requester: BusModel.id("05:00.0"))
        #expect(list.group(of: real) == real.requester && list.physicalFunction(of: real)?.number == 0)
        list.append(bus.describe("05:00.0"))
        #expect(list.index(of: real) == 1 && list.group(of: real) == list.functions[1].group)
    }
}
