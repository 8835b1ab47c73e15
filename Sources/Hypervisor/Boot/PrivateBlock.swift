import X86

/// The memory in which one partition's instance of the hypervisor lives: a layout for each core, then an arena for page
/// tables and what else the partition needs. Below 4 GiB, because processors start in 32-bit mode.
struct PrivateBlock {
    let base: UInt64
    let cores: Int
    let size: UInt64

    init() { (base, cores, size) = (0, 0, 0) }

    /// `memory` is the partition's, bytes; 0 for the housekeeping core's block.
    init(cores: Int, memory: UInt64, _ firmware: borrowing Firmware) throws(FirmwareError) {
        // The board, its rings, the context and the nested root take 26 frames, each core's own tables 11, and each GiB
        // that is mapped one more.
        let frames = 27 + UInt64(cores) * (11 + (memory >> 30)) + (memory >> 30) * 2 + (memory == 0 ? 16 : 0)
        self.cores = cores
        size = UInt64(cores) * CoreLayout.size + frames * FrameArena.frameSize
        let raw = try firmware.allocate(size + CoreLayout.alignment, .below(0xFFFF_FFFF))
        base = (raw + CoreLayout.alignment - 1) & ~(CoreLayout.alignment - 1)
    }

    func layout(_ core: Int) -> CoreLayout { CoreLayout(base: base + UInt64(core) * CoreLayout.size) }
    private var arenaBase: UInt64 { base + UInt64(cores) * CoreLayout.size }
    /// Everything that is not a core's layout.
    func makeArena() -> FrameArena { unsafe FrameArena(base: arenaBase, size: base + size - arenaBase) }

    /// Maps the block but for the guard pages.
    func map(into table: inout PageTable<LongModeFormat>, arena: inout FrameArena) throws(PageTableError) {
        for core in 0..<cores {
            let layout = layout(core)
            try table.map(layout.base, to: layout.base, size: 0x3000, .readWrite, arena: &arena)
            try table.map(
                layout.guardPage + 0x1000, to: layout.guardPage + 0x1000, size: CoreLayout.size - 0x4000, .readWrite,
                arena: &arena)
        }
        try table.map(arenaBase, to: arenaBase, size: base + size - arenaBase, .readWrite, arena: &arena)
    }
}
