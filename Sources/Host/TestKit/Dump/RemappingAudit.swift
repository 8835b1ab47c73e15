extension Audit {
    /// Holds what every PCI function can reach against the ownership: memory by DMA, cores by interrupts. QEMU numbers cores by
    /// their APIC ids.
    public mutating func check(_ unit: IOMMURegisters) {
        guard unit.isOn else { return accuse(0, "the IOMMU", 0..<1, "it is off") }
        switch unit.kind {
        case .vtd: checkVTd(unit)
        case .amdVi: checkAMDVi(unit)
        }
    }

    private mutating func accuse(_ requester: Int, _ table: String, _ frames: Range<UInt64>, _ what: String) {
        let entry = ownership.entry(at: frames.lowerBound).entry
        findings.append(
            AuditFinding(
                core: -1, partition: owner(of: requester).map { ownership.name(owner: $0) } ?? "nobody",
                table: "\(table) of \(hexadecimal(UInt64(requester)))", frames: frames,
                owner: entry.map(ownership.name) ?? "no owner's memory", what: what))
    }

    private func owner(of requester: Int) -> Int? {
        ownership.of(.configuration).first { $0.index == requester }?.owner
    }

    private mutating func checkVTd(_ unit: IOMMURegisters) {
        if unit.deviceTable >> 10 & 3 != 0 { accuse(0, "the root table", 0..<1, "not in legacy mode") }
        let root = unit.deviceTable & ~0xFFF
        requireTable(root, 0)
        for bus in 0..<256 as Range<UInt64> {
            guard let entry = word(root + bus * 16), entry & 1 == 1 else { continue }
            requireTable(entry & ~0xFFF, Int(bus << 8))
            for function in 0..<256 as Range<UInt64> {
                let at = entry & ~0xFFF + function * 16, requester = Int(bus << 8 | function)
                guard let low = word(at), let high = word(at + 8), low & 1 == 1 else { continue }
                // Translation type 0 is by these tables; the width says how many levels they have.
                if low >> 2 & 3 != 0 { accuse(requester, "the context entry", at..<at + 16, "it is not translated") }
                walk(requester, TableWalk(low & ~0xFFF, memory, .vtd, levels: Int(high & 7) + 2))
            }
        }
        requireTable(unit.interruptTable, 0)
        for index in 0..<UInt64(unit.interruptCount) {
            let at = unit.interruptTable + index * 16
            guard let low = word(at), let high = word(at + 8), low & 1 == 1 else { continue }
            let destination = Int(low >> 32) >> (unit.isExtended ? 0 : 8)
            let requester = Int(high & 0xFFFF)
            if high >> 18 & 3 != 1 { accuse(requester, "interrupt \(index)", at..<at + 16, "any requester may use it") }
            interrupt(requester, "interrupt \(index)", at, to: destination, isNMI: low >> 5 & 7 == 4)
        }
    }

    private mutating func checkAMDVi(_ unit: IOMMURegisters) {
        let table = unit.deviceTable & 0x000F_FFFF_FFFF_F000
        requireTable(table, 0)
        let count = ((unit.deviceTable & 0x1FF) + 1) * 128
        if count < 65_536 { accuse(0, "the device table", table..<table + 1, "it has \(count) entries alone") }
        for requester in 0..<Int(count) {
            let at = table + UInt64(requester) * 32
            guard let low = word(at), let high = word(at + 16) else { continue }
            if low & 3 != 3 { accuse(requester, "the device table", at..<at + 32, "not translated") }
            if low >> 61 & 3 != 0 {
                walk(requester, TableWalk(low & 0x000F_FFFF_FFFF_F000, memory, .amdVi, levels: Int(low >> 9 & 7)))
            }
            if high & 1 == 0 { accuse(requester, "the device table", at..<at + 32, "its interrupts are not remapped") }
            // Control 1 lets interrupts through as they are, 2 takes them from the table.
            if high >> 60 & 3 == 1 { accuse(requester, "the device table", at..<at + 32, "interrupts pass unmapped") }
            guard high >> 60 & 3 == 2 else { continue }
            let interrupts = high & 0x000F_FFFF_FFFF_FFC0
            requireTable(interrupts, requester)
            for index in 0..<(1 as UInt64) << (high >> 1 & 15) {
                if unit.isExtended {
                    guard let low = word(interrupts + index * 16), let high = word(interrupts + index * 16 + 8),
                        low & 1 == 1
                    else { continue }
                    interrupt(
                        requester, "interrupt \(index)", interrupts + index * 16,
                        to: Int(low >> 8 & 0xFF_FFFF | (high >> 56) << 24), isNMI: low >> 2 & 7 == 4)
                } else {
                    guard let entry = memory.load(interrupts + index * 4, as: UInt32.self), entry & 1 == 1 else {
                        continue
                    }
                    interrupt(
                        requester, "interrupt \(index)", interrupts + index * 4, to: Int(entry >> 8 & 0xFF),
                        isNMI: entry >> 2 & 7 == 4)
                }
            }
        }
    }

    /// All that a function reaches by DMA is its partition's memory.
    private mutating func walk(_ requester: Int, _ walk: TableWalk) {
        guard let owner = owner(of: requester) else {
            return accuse(requester, "the DMA tables", 0..<1, "nobody owns the function, and it may reach memory")
        }
        for table in walk.missing { accuse(requester, "the DMA tables", table..<table + 4096, "no memory") }
        for table in walk.tables { requireTable(table, requester) }
        var total: UInt64 = 0
        for mapping in walk.mappings {
            forEachOwner(mapping) { entry, part in
                guard entry?.kind == .memory, entry?.owner == owner else {
                    return accuse(requester, "the DMA tables", part, "reached at \(hexadecimal(mapping.virtual))")
                }
                total += UInt64(part.count)
            }
        }
        functions[requester, default: (0, 0)].bytes += total
    }

    private mutating func interrupt(_ requester: Int, _ name: String, _ at: UInt64, to core: Int, isNMI: Bool) {
        // The management link's line rings the housekeeping core.
        if isNMI, core == housekeepingCore, owner(of: requester) == nil { return }
        let own = owner(of: requester).map { owner in ownership.of(.core, owner: owner).contains { $0.index == core } }
        guard own == true, !isNMI else {
            return accuse(requester, name, at..<at + 4, "it rings core \(core)\(isNMI ? " by an NMI" : "")")
        }
        functions[requester, default: (0, 0)].interrupts += 1
    }

    private mutating func requireTable(_ at: UInt64, _ requester: Int) {
        if ownership.outer(at: at)?.kind != .remapping {
            accuse(requester, "the IOMMU's tables", at..<at + 4096, "a table outside their memory")
        }
    }

    private func word(_ at: UInt64) -> UInt64? { memory.load(at, as: UInt64.self) }
}
