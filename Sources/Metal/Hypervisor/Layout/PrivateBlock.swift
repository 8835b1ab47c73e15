import Platform
import Silicon
import X86

/// The memory in which one partition's instance of the hypervisor lives: a layout for each core, then what changes while
/// guests run, then page tables and what else does not. Below 4 GiB, because processors start in 32-bit mode.
struct PrivateBlock {
    let base: UInt64
    let cores: Int
    let size: UInt64
    /// Where what begins that no core writes once it is on its own tables.
    let constants: UInt64

    init() { (base, cores, size, constants) = (0, 0, 0, 0) }

    /// `memory` is the partition's, bytes; 0 for the housekeeping core's block. `functions` are of PCI, on a bus that may be
    /// there without any; `further` frames are added. `smallExecutable`: each nested table has one more for 2 MiB of memory.
    /// `model` is how many frames a device model's own tables take, 0 without one; `watched` are the nested tables in which a kernel
    /// is locked.
    init(
        cores: Int, memory: UInt64, functions: Int = 0, hasBus: Bool = false, further: Int = 0,
        model: Int = 0, smallExecutable: Bool = false, watched: Int = 0, _ firmware: borrowing Firmware
    ) throws(Refusal) {
        // The context and three nested tables take 18 frames, each core's own tables 10; without 1 GiB pages each further
        // GiB of memory takes one frame in every table.
        let furtherGiB = memory == 0 ? 0 : (memory - 1) >> 30
        let small = smallExecutable ? UInt64(3 + (hasBus ? cores - 1 : 0)) * (memory >> 21) : 0
        let frames =
            18 + UInt64(cores) * (10 + furtherGiB) + furtherGiB * 3 + UInt64(further) + small
            + (hasBus ? Self.frames(functions, cores, furtherGiB) : 0) + UInt64(WatchFrames.arenas(tables: watched))
        let changing =
            memory == 0
            ? FrameArena.count(Housekeeping.self) + MachineBackend.historyFrames
            : ControlPage.frames + PartitionContext.changingFrames
                + (hasBus ? FrameArena.count(PartitionFunctions.self) + cores : 1)
                + WatchFrames.standIns(tables: watched) + (model == 0 ? 0 : ModelMemory.frames + model)
        self.cores = cores
        let before = UInt64(cores) * CoreLayout.size + UInt64(changing) * FrameArena.frameSize
        size = before + frames * FrameArena.frameSize
        base = try firmware.allocate(
            size, .below(0xFFFF_FFFF), for: "memory for the hypervisor's own structures")
        constants = base + before
        // The arena clears what it gives away; of the layouts a core without a guest leaves parts as the firmware had them.
        unsafe cpu_zero(UnsafeMutableRawPointer(bitPattern: UInt(base)), UInt64(cores) * CoreLayout.size)
    }

    /// What the registers of PCI functions take in every table; from two cores on, a nested table for what each core stands
    /// in for.
    private static func frames(_ functions: Int, _ cores: Int, _ furtherGiB: UInt64) -> UInt64 {
        let nested = UInt64(cores + 1) * UInt64(2 + 2 * functions) + UInt64(cores - 1) * (6 + furtherGiB)
        return nested + UInt64(cores) * UInt64(4 + 4 * functions)
    }

    func layout(_ core: Int) -> CoreLayout { CoreLayout(base: base + UInt64(core) * CoreLayout.size) }
    /// Where a partition's control page lies: the first that its arena gives away.
    var controlPage: UInt64 { base + UInt64(cores) * CoreLayout.size }
    /// What changes while guests run, but for the cores' layouts.
    func makeChanging() -> FrameArena { unsafe FrameArena(base: controlPage, size: constants - controlPage) }
    /// What does not.
    func makeConstants() -> FrameArena { unsafe FrameArena(base: constants, size: base + size - constants) }

    /// Maps the block but for the guard pages. Nothing writes, after boot, what is mapped read-only: processors and remapping
    /// units that read or write it do so by its physical address.
    func map(
        _ vendor: Vendor, into table: inout PageTable<LongModeFormat>, arena: inout FrameArena
    ) throws(PageTableError) {
        for core in 0..<cores {
            let layout = layout(core)
            // A VMCS is written by VMWRITE alone.
            let read = layout.hostState..<(vendor == .amd ? layout.controlBlock : layout.modelBlock + 0x1000)
            try map(layout.base..<read.lowerBound, .readWrite, &table, &arena)
            try map(read, .read, &table, &arena)
            try map(read.upperBound..<layout.guardPage, .readWrite, &table, &arena)
            try map(layout.stackBottom..<layout.stackTop, .readWrite, &table, &arena)
        }
        try map(controlPage..<constants, .readWrite, &table, &arena)
        try map(constants..<base + size, .read, &table, &arena)
    }

    private func map(
        _ part: Range<UInt64>, _ access: Access, _ table: inout PageTable<LongModeFormat>, _ arena: inout FrameArena
    ) throws(PageTableError) {
        try table.map(part.lowerBound, to: part.lowerBound, size: UInt64(part.count), access, arena: &arena)
    }
}
