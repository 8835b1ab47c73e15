import Manifest
import PCI
import Platform
import Remapping
import Silicon
import Text

extension PlannedMachine {
    /// Refuses functions whose registers are not theirs alone, while the firmware runs: see `FunctionList`.
    func requireOwnRegisters() throws(Refusal) {
        var ranges = MachineRanges(addressBits: Int(cpu_cpuid(0x8000_0008, 0).eax & 0xFF))
        ranges.add(machine.tables.ecam, machine.tables.ecam == 0 ? 0 : (UInt64(machine.tables.lastBus) + 1) << 20)
        if let units = machine.remapping {
            for i in 0..<units.unitCount {
                // AMD's have 512 KiB, aligned to as much, where they have performance counters (48882, section 3.4).
                let base = units.units[i].registers
                ranges.add(base, base & 0x7_FFFF == 0 ? 0x8_0000 : 0x4000)
            }
        }
        for i in 0..<machine.tables.ioAPICCount { ranges.add(machine.tables.ioAPICs[i], 0x1000) }
        for i in 0..<manifest.partitionCount {
            var addresses = GuestAddresses(memorySize: manifest.partitions[i].memorySize), virtualCount = 0
            for place in i * 8..<i * 8 + manifest.partitions[i].devices.count {
                try requireOwnRegisters(place, ranges)
                let address = manifest.partitions[i].devices.devices[place % 8].address, bars = bars(of: place, address)
                for bar in 0..<6 where bars[bar].isMemory && (try? addresses.place(bars[bar])) == nil {
                    throw refusal(address, " has more registers than a guest has addresses for")
                }
                virtualCount += owned.value[place].virtualCount
                if virtualCount > GuestBus.virtualCapacity {
                    throw refusal(address, " has more virtual functions than its guest has numbers for")
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
            for other in 0..<place where owned.value[other].virtualCount > 0 && count > 0 {
                if owned.value[other].virtual.meet(
                    owned.value[other].virtualCount, owned.value[place].virtual, count)
                {
                    throw .shared(with: owned.value[other].description.address)
                }
            }
        } catch {
            switch error {
            case .noAddress:
                throw refusal(
                    function.address, " has registers to which firmware has given no address that cores can reach")
            case .taken: throw refusal(function.address, " has registers where the machine has something else")
            case .shared(let other): throw refusal(function.address, and: other)
            }
        }
    }

    /// Whether the firmware's map of memory lists something in `range` but memory-mapped I/O (UEFI 2.10, table 7.10).
    private func isMemory(_ range: Range<UInt64>) -> Bool {
        var found = false
        machine.memoryMap.forEach { type, memory in
            if type != 11, type != 12, range.overlaps(memory) { found = true }
        }
        return found
    }

    private func refusal(_ one: FunctionAddress, and other: FunctionAddress) -> Refusal {
        var line = LogLine("PCI functions ")
        line.write(hexadecimal: UInt64(one.requester))
        line.write(" and ")
        line.write(hexadecimal: UInt64(other.requester))
        line.write(" (requester ids) have registers in one page of memory, so that no partition can own one alone")
        return Refusal(line)
    }

    private func refusal(_ function: FunctionAddress, _ words: StaticString) -> Refusal {
        var line = LogLine("PCI function ")
        line.write(hexadecimal: UInt64(function.requester))
        line.write(" (requester id)")
        line.write(words)
        return Refusal(line)
    }
}
