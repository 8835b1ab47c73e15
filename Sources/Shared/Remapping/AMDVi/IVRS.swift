import Text

/// The firmware's I/O virtualization reporting structure (AMD I/O Virtualization specification 48882, section 5).
public enum IVRS {
    public static func parse(_ table: Span<UInt8>) throws(TopologyError) -> RemappingTopology {
        let reader = try TableReader(table)
        var topology = RemappingTopology()
        try reader.forEachStructure { (at: Int, length: Int) throws(TopologyError) in
            let type = try reader.byte(at)
            switch type {
            case 0x10, 0x11, 0x40:
                // A unit is described once for each type of block that some software knows: the newest that it has counts.
                var newest = type
                try reader.forEachStructure { (other: Int, _) throws(TopologyError) in
                    let type = try reader.byte(other), isBlock = type == 0x10 || type == 0x11 || type == 0x40
                    guard isBlock, try reader.half(other + 4) == reader.half(at + 4) else { return }
                    if try reader.half(other + 16) == reader.half(at + 16) { newest = max(newest, type) }
                }
                if newest == type { try readUnit(reader, at, length, type == 0x10 ? 24 : 40, &topology) }
            case 0x20...0x22: try readReserved(reader, at, length, &topology)
            default: break
            }
        }
        guard topology.units.count > 0 else { throw .noUnits }
        return topology
    }

    /// An IVHD block (section 5.2.2).
    private static func readUnit(
        _ reader: borrowing TableReader, _ at: Int, _ length: Int, _ header: Int, _ topology: inout RemappingTopology
    ) throws(TopologyError) {
        guard length >= header else { throw .malformed }
        var unit = RemappingUnitDescription()
        unit.flags = try reader.byte(at + 1)
        unit.function = try reader.half(at + 4)
        unit.registers = try reader.value(at + 8, 8)
        guard unit.registers != 0, unit.registers & 0x3FFF == 0 else { throw .malformed }
        guard topology.units.append(unit) else { throw .tooMany }
        guard try reader.half(at + 16) == 0 else { return topology.hasOtherSegments = true }
        var range: AliasRange = (0, 0, 0)
        var entry = at + header
        while entry < at + length {
            let type = try reader.byte(entry)
            // Bytes of a device entry (section 5.2.2.1): its type's two highest bits tell, but for entries that name an ACPI
            // device, which end with a text.
            let size = try type == 0xF0 ? 22 + Int(reader.byte(entry + 21)) : 4 << Int(type >> 6)
            guard size <= at + length - entry else { throw .malformed }
            try readEntry(reader, entry, type, &range, &topology)
            entry += size
        }
    }

    private static func readEntry(
        _ reader: borrowing TableReader, _ at: Int, _ type: UInt8, _ range: inout AliasRange,
        _ topology: inout RemappingTopology
    ) throws(TopologyError) {
        switch type {
        case 0x42, 0x43:  // alias of one function, start of a range of them
            range.first = try reader.half(at + 1)
            range.last = range.first
            range.alias = try reader.half(at + 5)
            if type == 0x42 {
                guard topology.aliases.append(range) else { throw .tooMany }
                range = (0, 0, 0)
            }
        case 0x03, 0x47:  // start of a range without an alias: what ends it adds none
            range = (0, 0, 0)
        case 0x04:
            range.last = try reader.half(at + 1)
            if range.alias != 0, range.last >= range.first {
                guard topology.aliases.append(range) else { throw .tooMany }
            }
            range = (0, 0, 0)
        case 0x48:  // special device: 1 is an I/O APIC, 2 a timer
            let source = try (reader.byte(at + 4), reader.half(at + 5), reader.byte(at + 7) == 1)
            guard topology.interruptSources.append(source) else { throw .tooMany }
        default: break
        }
    }

    /// An IVMD block (section 5.2.2.5): all functions, one, or a range.
    private static func readReserved(
        _ reader: borrowing TableReader, _ at: Int, _ length: Int, _ topology: inout RemappingTopology
    ) throws(TopologyError) {
        guard length >= 32 else { throw .malformed }
        let type = try reader.byte(at), id = try reader.half(at + 4)
        let last = type == 0x20 ? UInt16.max : type == 0x21 ? id : try reader.half(at + 6)
        let first = type == 0x20 ? 0 : id
        guard first <= last else { throw .malformed }
        guard topology.reserved.append((first, last)) else { throw .tooMany }
    }
}
