import Testing
import UnitSupport
import X86

@Suite struct ScratchPagesTests {
    /// The kinds of neighbourhood in which an address without memory can lie: beside 4 KiB, 2 MiB and 1 GiB pages, and in
    /// tables that do not exist.
    private let mapped: [(virtual: UInt64, size: UInt64)] = [
        (0, 2 * mib), (4 * mib, 12 * kib), (gib, gib), (5 * gib, 2 * mib), (1 << 47, 4 * kib), (1 << 48 - 4096, 4096),
    ]
    private let physical: UInt64 = 1 << 40

    private func build<Format: PageTableFormat>(
        _: Format.Type, _ access: Access,
        _ body: (inout PageTable<Format>, inout FrameArena, _ ones: UInt64, Frames) throws -> Void
    ) throws {
        let frames = Frames(40)
        var arena = frames.makeArena()
        guard let tables = arena.take(ScratchPages.tableFrames), let ones = arena.take() else {
            throw PageTableError.outOfFrames
        }
        let scratch = ScratchPages(page: ones, tables: tables, access: access)
        unsafe scratch.fill(Format.self)
        var table = try PageTable<Format>(hugePages: true, arena: &arena)
        for range in mapped {
            try table.map(range.virtual, to: physical + range.virtual, size: range.size, .all, arena: &arena)
        }
        table.fill(with: scratch)
        try body(&table, &arena, ones, frames)
    }

    private func isMapped(_ virtual: UInt64) -> Bool {
        mapped.contains { virtual >= $0.virtual && virtual - $0.virtual < $0.size }
    }

    /// Both sides of every border of every level near what is mapped, and addresses spread over all 48 bits.
    private var probes: [UInt64] {
        var probes: [UInt64] = []
        for range in mapped {
            for step in [8, 4096, 2 * mib, gib, 512 * gib] as [UInt64] {
                for border in [range.virtual, range.virtual + range.size] {
                    probes += [border &- step, border, border &+ step]
                }
            }
        }
        var state: UInt64 = 0x9E37_79B9_7F4A_7C15
        for _ in 0..<20_000 {
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            probes.append(state)
        }
        return probes.map { $0 & (1 << 48 - 1) & ~7 }
    }

    @Test func thePageIsAllOnes() throws {
        try build(NestedFormat.self, .read) { _, _, ones, _ in
            for i in 0..<512 as Range<UInt64> { #expect(word(at: ones + i * 8) == .max) }
        }
    }

    @Test(arguments: [false, true]) func whatIsNotMappedLeadsThere(writable: Bool) throws {
        try whatIsNotMappedLeadsThere(writable, NestedFormat.self)
        try whatIsNotMappedLeadsThere(writable, EPTFormat.self)
    }

    private func whatIsNotMappedLeadsThere<Format: PageTableFormat>(_ writable: Bool, _: Format.Type) throws {
        let probes = probes
        try build(Format.self, writable ? .readWrite : .read) { table, _, ones, _ in
            for address in probes {
                let walk = Walk(table.root, address)
                if isMapped(address) {
                    #expect(walk?.physical == physical + address, "\(String(address, radix: 16))")
                    #expect(walk?.isWritable == true)
                    #expect(walk?.isExecutable(Format.self) == true)
                } else {
                    #expect(walk?.physical == ones + address & 0xFFF, "\(String(address, radix: 16))")
                    #expect(walk?.level == 1)
                    #expect(walk?.isWritable == writable)
                    #expect(walk?.isExecutable(Format.self) == false)
                }
            }
        }
    }

    /// Not by samples: every entry of every table that can be reached is present and leads to a known place. In SVM's format
    /// each is a user's (bit 2); in Intel's each can be read.
    @Test func noEntryIsLeftOut() throws {
        try noEntryIsLeftOut(NestedFormat.self, always: 0b101)
        try noEntryIsLeftOut(EPTFormat.self, always: 0b001)
    }

    private func noEntryIsLeftOut<Format: PageTableFormat>(_: Format.Type, always: UInt64) throws {
        try build(Format.self, .read) { table, _, ones, frames in
            let tables = frames.base..<frames.base + UInt64(frames.count * Frames.size)
            var seen: Set<UInt64> = []
            var toVisit: [(UInt64, Int)] = [(table.root, 4)]
            while let (at, level) = toVisit.popLast() {
                guard seen.insert(at).inserted else { continue }
                for i in 0..<512 as Range<UInt64> {
                    let entry = word(at: at + i * 8)
                    let address = entry & 0x000F_FFFF_FFFF_F000
                    #expect(entry & always == always)
                    if level == 1 || (level < 4 && entry & 0x80 != 0) {
                        #expect(address == ones || address >= physical)
                    } else {
                        #expect(tables.contains(address))
                        toVisit.append((address, level - 1))
                    }
                }
            }
            // The root; 3, 4 and 3 tables of levels 3, 2 and 1 for what is mapped; one of each level for nothing.
            #expect(seen.count == 1 + (3 + 4 + 3) + 3)
        }
    }

    @Test func translateSaysTheSame() throws {
        try build(NestedFormat.self, .read) { table, _, ones, _ in
            let inside = table.translate(gib + 5), outside = table.translate(3 * gib + 0x123)
            #expect(inside == physical + gib + 5)
            #expect(outside == ones + 0x123)
        }
    }

    @Test func nothingTakesNoFurtherMapping() throws {
        try build(NestedFormat.self, .read) { table, arena, _, frames in
            let before = frames.words
            for address in [2 * mib, 3 * gib, 1 << 41] as [UInt64] {
                for size in [4 * kib, 2 * mib] where address % size == 0 {
                    var thrown: PageTableError?
                    do throws(PageTableError) {
                        try table.map(address, to: physical, size: size, .all, arena: &arena)
                    } catch { thrown = error }
                    #expect(thrown == .mappedAlready)
                }
            }
            #expect(frames.words == before, "the tables that all share are as they were")
        }
    }

    @Test func fillingAnEmptyTableTakesNoFrames() throws {
        let frames = Frames(8)
        var arena = frames.makeArena()
        let taken = (arena.take(), arena.take(ScratchPages.tableFrames))
        let ones = try #require(taken.0)
        let scratch = ScratchPages(page: ones, tables: try #require(taken.1))
        unsafe scratch.fill(NestedFormat.self)
        var table = try PageTable<NestedFormat>(hugePages: false, arena: &arena)
        let before = arena.used
        table.fill(with: scratch)
        let after = arena.used
        #expect(before == after)
        for address in [0, 0xFFFF_FFF8, 1 << 47, 1 << 48 - 8] as [UInt64] {
            #expect(Walk(table.root, address)?.physical == ones + address & 0xFFF)
        }
    }
}
