import Testing
import UnitSupport
import X86

@Suite struct PageTableRefusalTests {
    private typealias Range = (virtual: UInt64, size: UInt64)

    /// Maps `first`, and reports what mapping `second` throws; the first must be as it was afterwards.
    private func secondMapping(_ first: Range, _ second: Range) throws -> PageTableError? {
        let frames = Frames(16)
        var arena = frames.makeArena()
        var table = try PageTable<LongModeFormat>(hugePages: true, arena: &arena)
        try table.map(first.virtual, to: first.virtual, size: first.size, .readWrite, arena: &arena)
        var thrown: PageTableError?
        do throws(PageTableError) {
            try table.map(second.virtual, to: 32 * gib, size: second.size, .all, arena: &arena)
        } catch { thrown = error }
        let start = table.translate(first.virtual), end = table.translate(first.virtual + first.size - 1)
        #expect(start == first.virtual)
        #expect(end == first.virtual + first.size - 1)
        #expect(Walk(table.root, first.virtual)?.isExecutable(LongModeFormat.self) == false)
        return thrown
    }

    @Test(arguments: [4 * kib, 2 * mib, gib])
    func theSamePageTwice(size: UInt64) throws {
        #expect(try secondMapping((gib, size), (gib, size)) == .mappedAlready)
    }

    @Test func aSmallPageInsideALargeOne() throws {
        #expect(try secondMapping((gib, gib), (gib + 12 * kib, 4 * kib)) == .mappedAlready)
        #expect(try secondMapping((gib, gib), (gib + 4 * mib, 2 * mib)) == .mappedAlready)
        #expect(try secondMapping((gib, 2 * mib), (gib + 12 * kib, 4 * kib)) == .mappedAlready)
    }

    @Test func aLargePageAroundASmallOne() throws {
        #expect(try secondMapping((gib + 12 * kib, 4 * kib), (gib, 2 * mib)) == .mappedAlready)
        #expect(try secondMapping((gib + 12 * kib, 4 * kib), (gib, gib)) == .mappedAlready)
        #expect(try secondMapping((gib + 4 * mib, 2 * mib), (gib, gib)) == .mappedAlready)
    }

    @Test func anOverlapAtTheEnd() throws {
        #expect(try secondMapping((gib + 8 * kib, 8 * kib), (gib, 12 * kib)) == .mappedAlready)
    }

    @Test func neighboursAreNoOverlap() throws {
        #expect(try secondMapping((gib + 8 * kib, 8 * kib), (gib, 8 * kib)) == nil)
        #expect(try secondMapping((gib + 8 * kib, 8 * kib), (gib + 16 * kib, 4 * kib)) == nil)
    }

    @Test(
        arguments: [
            (1, 0, 4096), (0, 1, 4096), (0, 0, 1), (0x800, 0x800, 4096), (0, 0, 4097), (0xFFF, 0, 8192),
        ] as [(UInt64, UInt64, UInt64)])
    func whatIsNotAPageIsRefused(virtual: UInt64, physical: UInt64, size: UInt64) throws {
        let frames = Frames(8)
        var arena = frames.makeArena()
        var table = try PageTable<LongModeFormat>(hugePages: true, arena: &arena)
        #expect(throws: PageTableError.unaligned) {
            try table.map(gib + virtual, to: gib + physical, size: size, .read, arena: &arena)
        }
        let used = arena.used
        #expect(used == 4096, "nothing was mapped")
    }

    /// Nothing wraps around to the first entry of the root, nor runs into an entry's upper bits.
    @Test(
        arguments: [
            (1 << 48, 0, 4096), (1 << 48 - 4096, 0, 8192), (.max & ~0xFFF, 0, 8192), (0, 0, 1 << 48 + 4096),
            (0, 1 << 52, 4096), (0, 1 << 52 - 4096, 8192), (0, .max & ~0xFFF, 8192), (0, 0, .max & ~0xFFF),
        ] as [(UInt64, UInt64, UInt64)])
    func whatEntriesCannotExpressIsRefused(virtual: UInt64, physical: UInt64, size: UInt64) throws {
        for huge in [false, true] {
            let frames = Frames(8)
            var arena = frames.makeArena()
            var table = try PageTable<NestedFormat>(hugePages: huge, arena: &arena)
            #expect(throws: PageTableError.outOfRange) {
                try table.map(virtual, to: physical, size: size, .read, arena: &arena)
            }
            let used = arena.used
            #expect(used == 4096, "nothing was mapped")
        }
    }

    @Test(arguments: 1...3) func tooFewFramesAreNamed(frames count: Int) throws {
        let frames = Frames(4)
        var arena = frames.makeArena(count)
        var table = try PageTable<LongModeFormat>(hugePages: true, arena: &arena)
        #expect(throws: PageTableError.outOfFrames) {
            try table.map(gib, to: gib, size: 4096, .read, arena: &arena)
        }
        let translated = table.translate(gib)
        #expect(translated == nil)
    }

    @Test func exactlyEnoughFramesSuffice() throws {
        let frames = Frames(4)
        var arena = frames.makeArena()
        var table = try PageTable<LongModeFormat>(hugePages: true, arena: &arena)
        try table.map(gib, to: gib, size: 4096, .read, arena: &arena)
        let translated = table.translate(gib)
        #expect(translated == gib)
    }

    @Test func aRootNeedsAFrame() {
        let frames = Frames(1)
        var arena = frames.makeArena(0)
        #expect(throws: PageTableError.outOfFrames) {
            _ = try PageTable<LongModeFormat>(hugePages: true, arena: &arena)
        }
    }
}
