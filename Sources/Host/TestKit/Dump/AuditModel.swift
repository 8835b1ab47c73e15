import Records

// What a partition's device model can reach: its program, its own memory and the guest's, and its ends of wires.
extension Audit {
    mutating func walkModel(_ core: OwnershipReader.Entry, _ root: UInt64) {
        let name = "the device model's nested tables", walk = TableWalk(root, memory)
        checkTables(core, walk, name)
        var total: UInt64 = 0
        for mapping in walk.mappings {
            if mapping.virtual != mapping.physical.lowerBound {
                find(core, name, mapping.physical, "mapped at \(hexadecimal(mapping.virtual)) instead")
            }
            forEachOwner(mapping) { entry, part in
                if let wrong = wrongForModel(core, entry, mapping) { find(core, name, part, wrong) }
                if entry?.kind == .memory { total += UInt64(part.count) }
            }
        }
        note(core, name, total)
    }

    /// Why a device model may not have this; nil when it may.
    private func wrongForModel(
        _ core: OwnershipReader.Entry, _ entry: OwnershipReader.Entry?, _ mapping: Mapping
    ) -> String? {
        guard let entry else { return "mapped, and nobody owns it" }
        let isOwn = entry.owner == core.owner
        if isOwn, entry.kind == .modelProgram { return mapping.write ? "its program is writable" : nil }
        if mapping.execute { return "executable, and not its program" }
        switch entry.kind {
        case .memory where isOwn, .model where isOwn: return nil
        case .wire where entry.detail == 0 && (isOwn || entry.index == core.owner && !mapping.write): return nil
        default: return "mapped into the device model"
        }
    }

    /// The control block by which the core runs the model: never used, or with the model's tables alone.
    mutating func checkModelBlock(_ core: OwnershipReader.Entry, _ roots: [UInt64]) {
        let block = core.range.lowerBound + OwnershipEntry.controlBlock + 0x1000
        guard let used = memory.load(block + VMCBField.nestedCR3, as: UInt64.self), used != 0, !roots.contains(used)
        else { return }
        find(core, "the device model's control block", used..<used + 0x1000, "the ownership knows no such tables")
    }
}
