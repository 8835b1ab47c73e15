import Manifest
import PCI
import Platform
import Remapping
import Text

/// Machine memory with registers of a function, or of its virtual functions, which become partitions' in pages.
private struct RegisterClaim {
    var requester: UInt16 = 0
    var range: Range<UInt64> = 0..<0
}

extension PlannedMachine {
    /// Refuses functions whose registers are not theirs alone, while the firmware runs: those without an address, those in
    /// one page with another function's, and those where memory is, or something of the machine.
    func requireOwnRegisters() throws(Refusal) {
        // Of each function of a manifest at most its own and its virtual functions'.
        var claims: [768 of RegisterClaim] = .init(repeating: RegisterClaim())
        var count = 0
        for i in 0..<manifest.partitionCount {
            var addresses = GuestAddresses(memorySize: manifest.partitions[i].memorySize)
            for n in 0..<manifest.partitions[i].devices.count {
                let function = owned.value[i * 8 + n].description
                for bar in 0..<6 where function.bars[bar].isMemory {
                    guard function.bars[bar].hasAddress else {
                        throw refusal(function.requester, " has registers to which firmware has given no address")
                    }
                    if (try? addresses.place(function.bars[bar])) == nil {
                        throw refusal(function.requester, " has more registers than a guest has addresses for")
                    }
                }
                let virtualFunctions = Int(manifest.partitions[i].devices.devices[n].virtualFunctions)
                for k in 0..<12 {
                    guard let range = claim(k, of: function, virtualFunctions) else { continue }
                    if isTaken(range) {
                        throw refusal(function.requester, " has registers where the machine has something else")
                    }
                    for other in 0..<count
                    where claims[other].requester != function.requester && claims[other].range.overlaps(range) {
                        throw refusal(function.requester, and: claims[other].requester)
                    }
                    claims[count] = RegisterClaim(requester: function.requester, range: range)
                    count += 1
                }
            }
        }
        var clash: (UInt16, UInt16)?
        BusScan(machine.tables.bus).forEach { function in
            for k in 0..<count where claims[k].requester != function.requester {
                for bar in 0..<6 where function.bars[bar].pages?.overlaps(claims[k].range) ?? false {
                    clash = (claims[k].requester, function.requester)
                }
            }
        }
        if let clash { throw refusal(clash.0, and: clash.1) }
    }

    /// Number `k` of the ranges that a function claims: six for its own registers, six for its virtual functions'.
    private func claim(_ k: Int, of function: borrowing FunctionDescription, _ virtualFunctions: Int) -> Range<UInt64>?
    {
        if k < 6 { return function.bars[k].pages }
        guard virtualFunctions > 0, let virtual = try? VirtualFunctions(of: function, on: machine.tables.bus) else {
            return nil
        }
        let bar = virtual.bars[k - 6]
        guard bar.isMemory, bar.hasAddress, bar.size >> 44 == 0 else { return nil }
        let end = bar.address + bar.size * UInt64(virtualFunctions)
        return bar.address & ~0xFFF..<(end + 0xFFF) & ~0xFFF
    }

    /// Whether something that is no function's registers lies in `range`: what the firmware lists in its map of memory
    /// other than memory-mapped I/O (UEFI 2.10, table 7.10), configuration space, machine.remapping units, and below 4 GiB what
    /// chipsets have there, from the I/O APICs to the flash memory.
    private func isTaken(_ range: Range<UInt64>) -> Bool {
        if range.overlaps(0xFEC0_0000..<0x1_0000_0000) { return true }
        if machine.tables.ecam != 0,
            range.overlaps(machine.tables.ecam..<machine.tables.ecam + (UInt64(machine.tables.lastBus) + 1) << 20)
        {
            return true
        }
        if let units = machine.remapping {
            for i in 0..<units.unitCount {
                let registers = units.units[i].registers
                if range.overlaps(registers..<registers &+ 0x4000) { return true }
            }
        }
        var found = false
        machine.memoryMap.forEach { type, memory in
            if type != 11, type != 12, range.overlaps(memory) { found = true }
        }
        return found
    }

    private func refusal(_ one: UInt16, and other: UInt16) -> Refusal {
        var line = LogLine("PCI functions ")
        line.write(hexadecimal: UInt64(one))
        line.write(" and ")
        line.write(hexadecimal: UInt64(other))
        line.write(" (requester ids) have registers in one page of memory, so that no partition can own one alone")
        return Refusal(line)
    }

    private func refusal(_ requester: UInt16, _ words: StaticString) -> Refusal {
        var line = LogLine("PCI function ")
        line.write(hexadecimal: UInt64(requester))
        line.write(" (requester id)")
        line.write(words)
        return Refusal(line)
    }
}
