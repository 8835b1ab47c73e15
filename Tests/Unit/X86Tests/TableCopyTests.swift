import Testing
import UnitSupport
import X86

/// Tables that differ from others in a few pages, and leave these as they are.
@Suite struct TableCopyTests {
    private func each(
        hugePages: Bool, frames count: Int = 24, _ body: (any PageTableFormat.Type, UInt64, Frames) throws -> Void
    ) throws {
        for format in [NestedFormat.self, EPTFormat.self] as [any PageTableFormat.Type] {
            try make(format, hugePages, count, body)
        }
    }

    /// Two GiB of memory at 0, which lies at 4 GiB.
    private func make<Format: PageTableFormat>(
        _ format: Format.Type, _ hugePages: Bool, _ count: Int,
        _ body: (any PageTableFormat.Type, UInt64, Frames) throws -> Void
    ) throws {
        let frames = Frames(8)
        var arena = frames.makeArena()
        var table = try PageTable<Format>(hugePages: hugePages, arena: &arena)
        try table.map(0, to: 4 << 30, size: 2 << 30, .all, arena: &arena)
        let before = frames.words, own = Frames(count)
        try body(format, table.root, own)
        #expect(frames.words == before, "the tables that were copied stay as they are")
        withExtendedLifetime(own) {}
    }

    private func protect<Format: PageTableFormat>(
        _: Format.Type, _ root: UInt64, _ frames: Frames, _ parts: [(UInt64, UInt64)], replace: [(UInt64, UInt64)] = []
    ) throws -> UInt64 {
        var copy = try TableCopy<Format>(of: root, arena: frames.makeArena())
        for (address, size) in parts { try copy.protect(address..<address + size) }
        for (address, frame) in replace { try copy.protect(address..<address + 0x2000, standIns: frame) }
        return copy.root
    }

    @Test(arguments: [true, false]) func whatIsProtectedIsReadOnlyAndNothingElse(_ hugePages: Bool) throws {
        try each(hugePages: hugePages) { format, root, frames in
            // Text that ends within a large page, constants behind a gap, one page elsewhere, and one in the next GiB.
            let parts: [(UInt64, UInt64)] = [
                (0x100_0000, 0xE0_2000), (0x200_0000, 0x82_7000), (0x32B_4000, 0x1000), (0x4000_0000, 0x1000),
            ]
            let copy = try protect(format, root, frames, parts)
            for (address, size) in parts {
                for at in [address, address + size - 0x1000, address + size / 2 & ~0xFFF] {
                    let walk = try #require(Walk(copy, at))
                    #expect(!walk.isWritable && walk.isExecutable(format) && walk.physical == at + (4 << 30), "\(at)")
                }
                for at in [address &- 0x1000, address + size] {
                    let walk = try #require(Walk(copy, at))
                    #expect(walk.isWritable && walk.physical == at + (4 << 30), "\(at)")
                }
            }
            #expect(Walk(copy, 0x120_0000)?.level == 2, "large pages stay large")
            #expect(Walk(copy, 0x6000_0000)?.isWritable == true)
            #expect(Walk(root, 0x100_0000)?.isWritable == true)
        }
    }

    @Test func aPageLeadsElsewhere() throws {
        try each(hugePages: true) { format, root, frames in
            let copy = try protect(format, root, frames, [(0x100_0000, 0x20_0000)], replace: [(0x100_3000, 0x7000)])
            let walk = try #require(Walk(copy, 0x100_3000))
            #expect(walk.physical == 0x7000 && walk.isWritable && walk.isExecutable(format))
            #expect(Walk(copy, 0x100_4000)?.isWritable == true && Walk(copy, 0x100_4000)?.physical == 0x8000)
            #expect(Walk(copy, 0x100_5000)?.isWritable == false && Walk(copy, 0x100_5000)?.physical == 0x1_0100_5000)
        }
    }

    @Test func framesRunOutBeforeAnythingElseIsWritten() throws {
        try each(hugePages: true, frames: 3) { format, root, frames in
            #expect(throws: PageTableError.outOfFrames) {
                _ = try protect(format, root, frames, [(0x100_1000, 0x1000)])
            }
        }
        try each(hugePages: true) { format, root, frames in
            #expect(throws: PageTableError.outOfRange) { _ = try protect(format, root, frames, [(3 << 30, 0x1000)]) }
        }
    }
}
