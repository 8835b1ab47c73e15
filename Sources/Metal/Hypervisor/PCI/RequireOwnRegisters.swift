import Manifest
import PCI
import Platform
import Remapping
import Silicon
import Text
import X86

extension PlannedMachine {
    /// Refuses functions whose registers are not theirs alone, while the firmware runs: see `FunctionList`.
    func requireOwnRegisters() throws(Refusal) {
        var ranges = MachineRanges(addressBits: Int(AddressWidth.bits(native: nativeCPUID, read: cpu_rdmsr)))
        let mcfg = machine.tables.mcfg, length = mcfg == 0 ? 0 : min(load(mcfg + 4, as: UInt32.self), 1 << 16)
        let table = unsafe bytes(mcfg, UInt64(length)).assumingMemoryBound(to: UInt8.self)
        unsafe ranges.add(mcfg: Span(_unsafeElements: table))
        if let (_, units, bytes) = machine.remapping {
            for i in 0..<units.units.count { ranges.add(unit: units.units[i].registers, bytes) }
        }
        for i in 0..<machine.tables.ioAPICs.count { ranges.add(machine.tables.ioAPICs[i].address, 0x1000) }
        for i in 0..<manifest.partitionCount {
            var addresses = GuestAddresses(memorySize: manifest.partitions[i].memorySize), virtualCount = 0
            for place in i * 8..<i * 8 + manifest.partitions[i].devices.count {
                try requireOwnRegisters(place, ranges)
                let address = manifest.partitions[i].devices[place % 8].address, bars = bars(of: place, address)
                for bar in 0..<6 where bars[bar].isMemory && (try? addresses.place(bars[bar])) == nil {
                    throw Refusal(function: address.requester, " has more registers than a guest has addresses for")
                }
                virtualCount += owned.value[place].virtualCount
                if virtualCount > GuestBus.virtualCapacity {
                    throw Refusal(
                        function: address.requester, " has more virtual functions than a guest has numbers for")
                }
            }
        }
    }

    /// A virtual function is enabled later; its physical one tells what it will have.
    private func bars(of place: Int, _ address: FunctionAddress) -> InlineArray<6, BaseAddress> {
        for other in 0..<64 {
            for k in 0..<owned.value[other].virtualCount
            where owned.value[other].virtual.requester(k) == address.requester {
                return owned.value[other].virtual.bars
            }
        }
        return owned.value[place].description.bars
    }

    private func requireOwnRegisters(_ place: Int, _ ranges: MachineRanges) throws(Refusal) {
        let function = owned.value[place].description, count = owned.value[place].virtualCount
        do throws(RegisterError) {
            try machine.facts.functions.requireOwnRegisters(
                of: function, owned.value[place].virtual, count, besides: ranges, isMemory: { isMemory($0) })
            for other in 0..<place {
                let theirs = owned.value[other].virtualCount
                guard owned.value[other].virtual.meet(theirs, owned.value[place].virtual, count) else { continue }
                throw .shared(with: owned.value[other].description.address)
            }
        } catch {
            throw Refusal(function: function.requester, error.words.text, UInt64(error.other?.requester ?? 0))
        }
    }

    /// Whether the firmware's map of memory lists something in `range` but memory-mapped I/O (UEFI 2.10, table 7.10), of which
    /// what has the attribute RUNTIME is the firmware's own: its flash memory, wherever that is.
    private func isMemory(_ range: Range<UInt64>) -> Bool {
        var found = false
        machine.memoryMap.forEach { type, memory, isFirmwares in
            if isFirmwares || type != 11 && type != 12, range.overlaps(memory) { found = true }
        }
        return found
    }
}
