import Records
import Silicon
import X86

/// The memory in which one partition's instance of the hypervisor lives: a layout for each core, then an arena for page
/// tables and what else the partition needs. Below 4 GiB, because processors start in 32-bit mode.
struct PrivateBlock {
    let base: UInt64
    let cores: Int
    let size: UInt64

    init() { (base, cores, size) = (0, 0, 0) }

    /// `memory` is the partition's, bytes; 0 for the housekeeping core's block. `functions` are of PCI; `further`
    /// frames are added. `smallExecutable`: each nested table has one more for 2 MiB of memory.
    init(
        cores: Int, memory: UInt64, functions: Int = 0, further: Int = 0, smallExecutable: Bool = false,
        _ firmware: borrowing Firmware
    ) throws(FirmwareError) {
        // The control page, its rings, the context and three nested tables take 27 frames, each core's own tables 10; without
        // 1 GiB pages each further GiB of memory takes one frame in every table.
        let furtherGiB = memory == 0 ? 0 : (memory - 1) >> 30
        let small = smallExecutable ? UInt64(3 + (functions > 0 ? cores - 1 : 0)) * (memory >> 21) : 0
        let frames =
            27 + UInt64(cores) * (10 + furtherGiB) + furtherGiB * 3 + Self.frames(functions, cores, furtherGiB)
            + (memory == 0 ? UInt64(MemoryLayout<InventoryList>.size + 4095) / 4096 : 0) + UInt64(further) + small
        self.cores = cores
        size = UInt64(cores) * CoreLayout.size + frames * FrameArena.frameSize
        base = try firmware.allocate(size, .below(0xFFFF_FFFF))
        // The arena clears what it gives away; of the layouts a core without a guest leaves parts as the firmware had them.
        unsafe cpu_zero(UnsafeMutableRawPointer(bitPattern: UInt(base)), UInt64(cores) * CoreLayout.size)
    }

    /// What the model of PCI functions takes, and their registers in every table; from two cores on, a page and a nested
    /// table for what each core stands in for.
    private static func frames(_ functions: Int, _ cores: Int, _ furtherGiB: UInt64) -> UInt64 {
        guard functions > 0 else { return 0 }
        let model = UInt64(MemoryLayout<PartitionFunctions>.size + 4095) / 4096
        let nested = UInt64(cores + 1) * UInt64(2 + 2 * functions) + UInt64(cores - 1) * (7 + furtherGiB)
        return model + nested + UInt64(cores) * UInt64(4 + 4 * functions)
    }

    func layout(_ core: Int) -> CoreLayout { CoreLayout(base: base + UInt64(core) * CoreLayout.size) }
    /// Where a partition's control page lies: the first that its arena gives away.
    var controlPage: UInt64 { arenaBase }
    private var arenaBase: UInt64 { base + UInt64(cores) * CoreLayout.size }
    /// Everything that is not a core's layout.
    func makeArena() -> FrameArena { unsafe FrameArena(base: arenaBase, size: base + size - arenaBase) }

    /// Maps the block but for the guard pages.
    func map(into table: inout PageTable<LongModeFormat>, arena: inout FrameArena) throws(PageTableError) {
        for core in 0..<cores {
            let layout = layout(core)
            try table.map(layout.base, to: layout.base, size: OwnershipEntry.guardPage, .readWrite, arena: &arena)
            let stack = layout.guardPage + 0x1000
            try table.map(stack, to: stack, size: layout.stackTop - stack, .readWrite, arena: &arena)
        }
        try table.map(arenaBase, to: arenaBase, size: base + size - arenaBase, .readWrite, arena: &arena)
    }
}
