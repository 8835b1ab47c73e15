import PCI
import Testing

/// Which registers cannot become a partition's.
@Suite struct RegisterCheckTests {
    private static let own = FunctionAddress(bus: 1, device: 0, function: 0)
    private static let other = FunctionAddress(bus: 2, device: 0, function: 0)

    private func function(_ bar: BaseAddress, _ address: FunctionAddress = own) -> FunctionDescription {
        var function = FunctionDescription()
        function.address = address
        function.bars[2] = bar
        return function
    }

    private func refusal(
        _ bar: BaseAddress, beside neighbour: BaseAddress? = nil, machine: MachineRanges = MachineRanges(),
        memory: Range<UInt64> = 0..<0x10_0000
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

    @Test func registersWithoutAnAddressAreRefused() {
        #expect(refusal(memory(0)) == .noAddress)
        #expect(refusal(memory(.max & ~0xFFF)) == .noAddress, "all ones")
        #expect(refusal(memory(0xFFFF_F000, wide: false)) == .taken, "all ones in 32 bits: the flash memory")
        #expect(refusal(memory(0xC000_0800)) == .noAddress, "not aligned")
        #expect(refusal(memory(1 << 52)) == .noAddress, "beyond what is physical")
        #expect(refusal(memory(1 << 51, 1 << 52)) == .noAddress)
    }

    @Test func registersWhereTheMachineHasSomethingElseAreRefused() {
        #expect(refusal(memory(0x8000)) == .taken, "memory")
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
        #expect(virtual.sharePages(1, virtual, 1) && !VirtualFunctions().sharePages(1, virtual, 1))
    }
}
