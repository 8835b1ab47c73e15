import Remapping
import Testing

@Suite struct TopologyTests {
    /// Two units, the second with an I/O APIC at FF:00.0 and a bridge's child; a reserved range for 00:14.0.
    private var dmar: [UInt8] {
        var table = TableBytes("DMAR", header: 48)
        table.put([0, 0, 16, 0, 0, 0, 0, 0])
        table.put(0xFED9_0000, 8)
        table.put([0, 0, 42, 0, 1, 0, 0, 0])
        table.put(0xFED9_1000, 8)
        table.put([3, 8, 0, 0, 2, 0xFF, 0, 0])
        table.put([4, 8, 0, 0, 2, 0xFF, 1, 0])
        table.put([3, 10, 0, 0, 7, 0, 0x1C, 5, 2, 1])
        table.put([1, 0, 32, 0, 0, 0, 0, 0])
        table.put(0x7C00_0000, 8)
        table.put(0x7C0F_FFFF, 8)
        table.put([1, 8, 0, 0, 0, 0, 0x14, 0])
        return table.sealed
    }

    private func parse(_ bytes: [UInt8]) throws(TopologyError) -> RemappingTopology {
        try DMAR.parse(bytes.span) { bridge in bridge == 0x1C << 3 | 5 ? 9 : nil }
    }

    @Test func dmarNamesUnitsAndIOAPICs() throws {
        let found = try parse(dmar)
        #expect(found.units.count == 2)
        #expect(found.units[0].registers == 0xFED9_0000 && found.units[1].registers == 0xFED9_1000)
        #expect(found.requester(ofIOAPIC: 2) == 0xFF00)
        #expect(found.requester(ofIOAPIC: 7) == 0x0911, "behind the bridge at 00:1c.5")
        #expect(found.requester(ofIOAPIC: 1) == nil)
        #expect(found.isReserved(0xFF00) && found.isReserved(0xFF08) && !found.isReserved(0xFF10), "and a timer's")
        #expect(found.isReserved(0x14 << 3) && !found.isReserved(0x15 << 3))
        #expect(found.reserved.count > 0 && found.reserved[0] == (0x14 << 3, 0x14 << 3))
        // Bit 0 of the flags is not set: interrupts are not to be remapped (section 8.1).
        for (flags, forbids) in [(0, true), (1, false), (2, true), (3, true), (5, false)] as [(UInt8, Bool)] {
            var table = dmar
            table[37] = flags
            #expect(try parse(table).forbidsInterrupts == forbids, "\(flags)")
        }
    }

    /// A unit with an alias for a range, one for a function, an I/O APIC, a text entry; told twice, as types 10h and 11h.
    private var ivrs: [UInt8] {
        var table = TableBytes("IVRS", header: 48)
        let entries: [UInt8] =
            [0x43, 0x00, 0x03, 0, 0, 0x08, 0x00, 0, 4, 0xFF, 0x03, 0] + [0x42, 0x10, 0x05, 0, 0, 0x20, 0x00, 0]
            + [0x48, 0, 0, 0, 6, 0xA0, 0x00, 1] + [0x48, 0, 0, 0, 9, 0xA1, 0x00, 2]
            + [0xF0, 0, 0, 0] + [UInt8](repeating: 0x41, count: 17) + [3] + [0x58, 0x59, 0x5A] + [2, 0x30, 0, 0]
        for (type, header) in [(0x10, 24), (0x11, 40)] as [(UInt8, Int)] {
            let length = header + entries.count
            table.put([type, 1, UInt8(length), 0, 0x02, 0, 0x40, 0])
            table.put(type == 0x10 ? 0xDEAD_4000 : 0xFED8_0000, 8)
            table.put([UInt8](repeating: 0, count: header - 16))
            table.put(entries)
        }
        table.put([0x22, 0, 32, 0, 0x00, 0x04, 0x07, 0x04] + [UInt8](repeating: 0, count: 8))
        table.put(0x1000, 8)
        table.put(0x2000, 8)
        return table.sealed
    }

    @Test func ivrsNamesTheNewestBlocksAlone() throws {
        let found = try IVRS.parse(ivrs.span)
        #expect(found.units.count == 1)
        #expect(found.units[0].registers == 0xFED8_0000 && found.units[0].function == 2)
        #expect(found.alias(of: 0x0342) == 8 && found.alias(of: 0x0400) == nil)
        #expect(found.alias(of: 0x0510) == 0x20 && found.alias(of: 0x0020) == nil)
        #expect(found.requester(ofIOAPIC: 6) == 0xA0)
        #expect(found.requester(ofIOAPIC: 9) == nil, "that one is a timer")
        #expect(found.isReserved(0xA0) && found.isReserved(0xA1) && !found.isReserved(0xA2))
        #expect(found.isReserved(0x0405) && !found.isReserved(0x0408))
    }

    /// One unit is told as types 10h and 40h, one as 10h alone, one as 11h alone, one like the first in another segment.
    @Test func eachUnitHasTheNewestBlockThatNamesIt() throws {
        var table = TableBytes("IVRS", header: 48)
        let blocks: [(type: UInt8, unit: UInt8, segment: UInt8)] = [
            (0x10, 2, 0), (0x10, 0x42, 0), (0x40, 2, 0), (0x11, 0x82, 0), (0x10, 2, 1),
        ]
        for (i, block) in blocks.enumerated() {
            let header = block.type == 0x10 ? 24 : 40
            table.put([block.type, 0, UInt8(header), 0, block.unit, 0, 0x40, 0])
            table.put(0xF000_0000 + UInt64(i) << 20, 8)
            table.put([block.segment] + [UInt8](repeating: 0, count: header - 17))
        }
        let found = try IVRS.parse(table.sealed.span)
        #expect((0..<found.units.count).map { found.units[$0].registers >> 20 & 0xF } == [1, 2, 3, 4])
        #expect(found.hasOtherSegments)
    }

    @Test func damagedTablesAreRefusedAndEnd() {
        for (good, isIntel) in [(dmar, true), (ivrs, false)] {
            var outcomes = Set<String>()
            func read(_ bytes: [UInt8]) {
                do throws(TopologyError) {
                    _ = isIntel ? try parse(bytes) : try IVRS.parse(bytes.span)
                    outcomes.insert("parsed")
                } catch { outcomes.insert("\(error)") }
            }
            for length in 0..<good.count { read(Array(good[..<length])) }
            for at in 0..<good.count {
                for value in [0, 1, 2, 3, 7, 0x40, 0x7F, 0xF0, 0xFF] as [UInt8] {
                    var bad = good
                    bad[at] = value
                    read(bad)
                }
            }
            #expect(outcomes.contains("parsed") && outcomes.contains("malformed"))
        }
    }

    @Test func aStructureWithoutLengthIsMalformed() {
        var bytes = dmar
        (bytes[50], bytes[51]) = (0, 0)
        #expect(throws: TopologyError.malformed) { try parse(bytes) }
        bytes = ivrs
        (bytes[50], bytes[51]) = (0, 0)
        #expect(throws: TopologyError.malformed) { try IVRS.parse(bytes.span) }
    }

    /// Memory that ends before it begins, functions that do: neither is a range of nothing.
    @Test func aRangeThatIsTurnedRoundIsRefused() throws {
        var bytes = dmar
        bytes[48 + 16 + 42 + 8 + 3] = 0xFF
        #expect(throws: TopologyError.malformed) { try parse(bytes) }
        bytes = ivrs
        bytes[48 + 24 + 65 + 40 + 65 + 7] = 0x03
        #expect(throws: TopologyError.malformed) { try IVRS.parse(bytes.span) }
    }

    @Test func aTableWithoutUnitsHasNone() {
        #expect(throws: TopologyError.noUnits) { try parse(TableBytes("DMAR", header: 48).sealed) }
        #expect(throws: TopologyError.noUnits) { try IVRS.parse(TableBytes("IVRS", header: 48).sealed.span) }
    }

    @Test func unitsOfOtherSegmentsAreListedAlone() throws {
        // Each unit's and range's segment, or the block's.
        for (good, at, isIntel) in [(dmar, 54, true), (dmar, 70, true), (ivrs, 48 + 24 + 65 + 16, false)] {
            var bytes = good
            bytes[at] = 1
            // The older block of the same unit.
            if !isIntel { bytes[48 + 16] = 1 }
            let found = isIntel ? try parse(bytes) : try IVRS.parse(bytes.span)
            #expect(found.hasOtherSegments && found.units.count == (isIntel ? 2 : 1), "\(at)")
            #expect("\(try #require(found.shortcoming(firstIOAPIC: 2)))".hasPrefix("its table"))
        }
        var usable = try parse(dmar)
        usable.forbidsInterrupts = false
        #expect(usable.shortcoming(firstIOAPIC: 2) == nil)
    }

    @Test func whatKeepsPartitionsFromOwningFunctionsIsNamed() throws {
        var found = try parse(dmar)
        #expect(found.shortcoming(firstIOAPIC: 1) != nil && found.shortcoming(firstIOAPIC: nil) != nil)
        found.forbidsInterrupts = true
        #expect(found.shortcoming(firstIOAPIC: 2) != nil)
    }

    /// A server of two sockets: 20 units, 9 I/O APICs, 40 functions in one reserved range.
    @Test func largeTablesAreRead() throws {
        var table = TableBytes("DMAR", header: 48)
        for i in 0..<20 {
            table.put([0, 0, 24, 0, 0, 0, 0, 0])
            table.put(0xFE00_0000 + UInt64(i) << 12, 8)
            table.put([3, 8, 0, 0, UInt8(i), UInt8(i), 0x1E, 7])
        }
        table.put([1, 0, 88, 1, 0, 0, 0, 0])
        table.put(0x7000_0000, 8)
        table.put(0x7000_0FFF, 8)
        for i in 0..<40 { table.put([1, 8, 0, 0, 0, 0x20 + UInt8(i), 0, 0]) }
        let found = try parse(table.sealed)
        #expect(found.units.count == 20 && found.interruptSources.count == 20)
        #expect(found.isReserved(0x4700) && !found.isReserved(0x4800))
    }
}
