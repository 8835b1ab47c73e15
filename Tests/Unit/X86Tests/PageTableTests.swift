import Testing
import UnitSupport
import X86

@Suite struct PageTableTests {
    /// A table with these mappings made, and what the tests ask of it.
    private struct Mapping {
        let virtual: UInt64
        let physical: UInt64
        let size: UInt64
    }

    /// For each format: maps `mappings` in order and hands the root and the bytes of frames used to `check`.
    private func build(
        _ mappings: [Mapping], hugePages: Bool = true, frames count: Int = 64, _ access: Access = .readWrite,
        _ check: (_ root: UInt64, _ used: UInt64) -> Void
    ) throws {
        for format in formats { try build(format, mappings, hugePages, count, access, check) }
    }

    private func build<Format: PageTableFormat>(
        _: Format.Type, _ mappings: [Mapping], _ hugePages: Bool, _ count: Int, _ access: Access,
        _ check: (_ root: UInt64, _ used: UInt64) -> Void
    ) throws {
        let frames = Frames(count)
        var arena = frames.makeArena()
        var table = try PageTable<Format>(hugePages: hugePages, arena: &arena)
        for mapping in mappings {
            try table.map(mapping.virtual, to: mapping.physical, size: mapping.size, access, arena: &arena)
            // `translate` agrees with the processor's walk at both ends of what was mapped.
            for address in [mapping.virtual, mapping.virtual + mapping.size - 1] {
                let translated = table.translate(address)
                #expect(translated == mapping.physical + (address - mapping.virtual))
                #expect(translated == Walk(table.root, address)?.physical)
            }
        }
        check(table.root, arena.used)
        withExtendedLifetime(frames) {}
    }

    @Test(arguments: [(1, 4 * kib), (2, 2 * mib), (3, 1 * gib)])
    func aPageOfEachSizeIsOneLeaf(level: Int, size: UInt64) throws {
        try build([Mapping(virtual: 8 * gib, physical: 16 * gib, size: size)]) { root, used in
            #expect(Walk(root, 8 * gib)?.level == level)
            #expect(Walk(root, 8 * gib + size) == nil)
            #expect(Walk(root, 8 * gib - 1) == nil)
            // One table for each level from the root down to the leaf's own.
            #expect(used == UInt64(5 - level) * 4096)
        }
    }

    @Test func withoutHugePagesAGigabyteTakesLargeOnes() throws {
        try build([Mapping(virtual: gib, physical: gib, size: gib)], hugePages: false) { root, used in
            for page in 0..<512 as Range<UInt64> { #expect(Walk(root, gib + page * 2 * mib)?.level == 2) }
            #expect(used == 3 * 4096)
        }
    }

    /// Where a fetch may meet no large page (`Errata`), what is executable is of 4 KiB pages, and nothing else is.
    @Test func smallExecutablePages() throws {
        for format in formats { try expectSmallExecutablePages(format) }
    }
    private func expectSmallExecutablePages<Format: PageTableFormat>(_ format: Format.Type) throws {
        let frames = Frames(16)
        var arena = frames.makeArena()
        var table = try PageTable<Format>(hugePages: true, smallExecutable: true, arena: &arena)
        // From the last page of a table on, over two whole ones and into the next.
        let start = gib + 2 * mib - 4 * kib, size = 4 * mib + 8 * kib
        try table.map(start, to: 3 * gib + start, size: size, .all, arena: &arena)
        for page in stride(from: start, to: start + size, by: 4096) {
            let walk = Walk(table.root, page)
            #expect(walk?.level == 1 && walk?.physical == 3 * gib + page && walk?.isExecutable(format) == true)
        }
        #expect(Walk(table.root, start - 1) == nil && Walk(table.root, start + size) == nil)
        let used = arena.used
        #expect(used == (1 + 1 + 1 + 4) * 4096)
        #expect(throws: PageTableError.mappedAlready) {
            try table.map(start + 8 * kib, to: 0, size: 4 * kib, .all, arena: &arena)
        }
        try table.map(4 * gib, to: 4 * gib, size: gib, .readWrite, arena: &arena)
        #expect(Walk(table.root, 4 * gib)?.level == 3)
        withExtendedLifetime(frames) {}
    }

    @Test func aRangeTakesTheLargestPagesThatFit() throws {
        let start = gib - 2 * mib - 4 * kib
        let size = 4 * kib + 2 * mib + 2 * gib + 2 * mib + 4 * kib
        try build([Mapping(virtual: start, physical: start, size: size)]) { root, used in
            #expect(Walk(root, start)?.level == 1)
            #expect(Walk(root, gib - 2 * mib)?.level == 2)
            #expect(Walk(root, gib)?.level == 3)
            #expect(Walk(root, 2 * gib)?.level == 3)
            #expect(Walk(root, 3 * gib)?.level == 2)
            #expect(Walk(root, 3 * gib + 2 * mib)?.level == 1)
            // Root, one level 3; a level 2 and a level 1 at each end.
            #expect(used == 6 * 4096)
        }
    }

    @Test(arguments: [(4 * kib, 1), (2 * mib, 2)])
    func aShiftBetweenAddressesLimitsThePage(shift: UInt64, level: Int) throws {
        try build([Mapping(virtual: 4 * gib, physical: 8 * gib + shift, size: 4 * mib)], frames: 16) { root, _ in
            #expect(Walk(root, 4 * gib)?.level == level)
            #expect(Walk(root, 4 * gib + 4 * mib - 1)?.physical == 8 * gib + shift + 4 * mib - 1)
        }
    }

    @Test func neighboursShareTheirTables() throws {
        let pages = (0..<512 as Range<UInt64>).map {
            Mapping(virtual: $0 << 12, physical: 4 * gib - ($0 << 12), size: 4 * kib)
        }
        try build(pages) { root, used in
            #expect(used == 4 * 4096)
            for page in pages { #expect(Walk(root, page.virtual)?.physical == page.physical) }
        }
    }

    @Test func everyIndexOfTheAddressIsUsed() throws {
        // The last page of the address space: index 511 at every level.
        let last: UInt64 = 1 << 48 - 4096
        try build([Mapping(virtual: last, physical: 0x5000, size: 4096)]) { root, _ in
            #expect(Walk(root, last | 0xABC)?.physical == 0x5ABC)
            #expect(word(at: root + 511 * 8) & 1 == 1)
            for i in 0..<511 as Range<UInt64> { #expect(word(at: root + i * 8) == 0) }
        }
    }

    @Test func anEmptyRangeMapsNothing() throws {
        let frames = Frames(4)
        var arena = frames.makeArena()
        var table = try PageTable<LongModeFormat>(hugePages: true, arena: &arena)
        try table.map(0x1000, to: 0x1000, size: 0, .read, arena: &arena)
        let used = arena.used
        let translated = table.translate(0x1000)
        #expect(used == 4096)
        #expect(translated == nil)
    }

    @Test func translateEndsAtThePage() throws {
        let frames = Frames(8)
        var arena = frames.makeArena()
        var table = try PageTable<NestedFormat>(hugePages: true, arena: &arena)
        try table.map(2 * mib, to: 6 * mib, size: 2 * mib, .all, arena: &arena)
        let below = table.translate(2 * mib - 1), inside = table.translate(3 * mib + 5)
        let above = table.translate(4 * mib), elsewhere = table.translate(1 << 40)
        #expect(below == nil)
        #expect(inside == 7 * mib + 5)
        #expect(above == nil)
        #expect(elsewhere == nil)
    }

    @Test(arguments: [
        (Access.read, false, false), (.readWrite, true, false), (.readExecute, false, true), (.all, true, true),
    ])
    func accessIsWhatWasAskedFor(access: Access, write: Bool, execute: Bool) throws {
        for size in [4 * kib, 2 * mib, gib] {
            for format in formats {
                try build(format, [Mapping(virtual: gib, physical: gib, size: size)], true, 8, access) { root, _ in
                    #expect(Walk(root, gib)?.isWritable == write)
                    #expect(Walk(root, gib)?.isExecutable(format) == execute)
                }
            }
        }
    }
}
