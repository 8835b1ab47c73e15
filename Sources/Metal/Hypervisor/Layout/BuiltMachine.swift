import Control
import Manifest
import Platform
import Resources
import Silicon
import Text
import X86

/// A machine whose partitions stand in memory; what is left is to start its cores.
struct BuiltMachine: ~Copyable {
    let plan: PlannedMachine
    let interrupts: MachineInterrupts
    /// By core index; 0 where a core has no part in the manifest.
    private(set) var coreStates: [64 of UInt64] = .init(repeating: 0)
    private(set) var controlPages: [8 of UInt64] = .init(repeating: 0)
    fileprivate var ownership: Ownership

    var manifest: Manifest { _read { yield plan.manifest } }
    var tables: FirmwareTables { _read { yield plan.machine.tables } }
}

extension PlannedMachine {
    /// Makes every partition and every core's state out of what was allocated, once the firmware is gone.
    consuming func build<CPU: VirtualizationExtension>(
        _ cpu: CPU.Type, _ program: ProgramMemory
    ) throws(Refusal) -> BuiltMachine {
        program.fillMaps(cpu)
        let interrupts = try buildRemapping(), ownership = Ownership(machine.tables, machine.facts.memoryKeys)
        var built = BuiltMachine(plan: self, interrupts: interrupts, ownership: ownership)
        do throws(PageTableError) { try built.buildPartitions(cpu, program) } catch {
            switch error {
            case .outOfFrames: throw Refusal("the memory set aside for page tables is too small")
            case .unaligned: throw Refusal("a page table entry would be unaligned")
            case .mappedAlready: throw Refusal("two things lie at the same address")
            case .outOfRange: throw Refusal("something lies beyond what page tables can express")
            }
        }
        return built
    }
}

extension BuiltMachine {
    fileprivate mutating func buildPartitions<CPU: VirtualizationExtension>(
        _ cpu: CPU.Type, _ program: ProgramMemory
    ) throws(PageTableError) {
        // Known before any core is built: the housekeeping core, which may be the first, maps all of them.
        for i in 0..<manifest.partitionCount { controlPages[i] = plan.blocks[i].controlPage }
        for i in 0..<manifest.partitionCount { try buildPartition(i, cpu, program) }
        if let core = ownership.takeCore(manifest.housekeeping) {  // else it runs a vCPU too
            var arena = plan.blocks[8].makeConstants()
            try buildCore(core, 0, block: 8, nil, program, &arena)
        }
        writeOwnership(program)
    }

    private mutating func buildPartition<CPU: VirtualizationExtension>(
        _ i: Int, _ cpu: CPU.Type, _ program: ProgramMemory
    ) throws(PageTableError) {
        let range = plan.memory.ranges[i]
        let choice = manifest.memoryKey(of: i, on: plan.machine.facts)
        guard let frames = ownership.takeFrames(base: range.base, size: range.size, choice) else {
            throw .mappedAlready
        }
        var arena = plan.blocks[i].makeConstants(), changing = plan.blocks[i].makeChanging()
        // The context lies around the border.
        guard changing.take(ControlPage.frames) == controlPages[i], arena.take(PartitionContext.constantFrames) != nil
        else { throw .outOfFrames }
        let spec = manifest.partitions[i]
        var platform = PlatformDescription(
            memorySize: frames.size, console: spec.console, tscKHz: UInt32(clamping: plan.machine.tscKHz),
            bootTime: plan.machine.bootTime, bootTSC: plan.machine.entryTSC)
        for core in 0..<64 where spec.cores.contains(CoreSet(core: core)) {
            platform.append(apicID: tables.apicIDs[core])
        }
        platform.watchdog = spec.watchdog
        platform.hasBus = spec.hasBus
        if spec.tpm { (platform.tpmMethod, platform.logSize) = (tables.tpm.startMethod, UInt32(plan.log.file.size)) }
        let functions = try buildFunctions(i, platform, &changing)
        guard let standIns = changing.take(WatchFrames.standIns(tables: spec.watchedTables)),
            let arenas = arena.take(WatchFrames.arenas(tables: spec.watchedTables))
        else { throw .outOfFrames }
        let nested = try buildNestedRoots(
            cpu, frames, functions, buses: platform.hasBus ? platform.vcpuCount : 1, i, &arena, &changing)
        let page = Pointer<ControlPage>(at: controlPages[i])
        page.initialize(to: ControlPage(autostart: spec.autostart))
        for n in 0..<8 where functions?.value.guest.memory(model: n) != nil {
            page.value.wires[n].link = ChannelCounters.memory
        }
        var model: ModelRoots?
        if spec.hasModel, let functions {
            model = try buildModel(cpu, frames, functions, page.rings, spec, &arena, &changing)
        }
        guard changing.take(PartitionContext.changingFrames) != nil else { throw .outOfFrames }
        let context = Pointer<PartitionContext>(at: plan.blocks[i].constants - PartitionContext.constantsAt)
        context.initialize(
            to: PartitionContext(
                signals: InlineArray<16, VCPUSignals> { VCPUSignals(of: $0) },
                legacyDevices: LegacyDevices(platform),
                spec: spec, memory: frames, addressSpace: ownership.takeAddressSpace(),
                controlPage: Pointer<ControlPage>(at: controlPages[i]), kernel: plan.files[i].kernel,
                initrd: plan.files[i].initrd, secret: plan.secrets[i], nested: nested, maps: program.maps,
                platform: platform,
                functions: functions, model: model, sites: plan.sites[i],
                watched: WatchFrames(standIns: standIns, arenas: arenas, tables: spec.watchedTables)))
        var vcpu = 0
        for index in 0..<64 where spec.cores.contains(CoreSet(core: index)) {
            guard let core = ownership.takeCore(index) else { throw .mappedAlready }
            try buildCore(core, vcpu, block: i, context, program, &arena)
            vcpu += 1
        }
    }

    private func buildNestedRoots<CPU: VirtualizationExtension>(
        _ cpu: CPU.Type, _ frames: borrowing FrameRange, _ functions: Pointer<PartitionFunctions>?, buses: Int,
        _ i: Int, _ arena: inout FrameArena, _ changing: inout FrameArena
    ) throws(PageTableError) -> InlineArray<16, NestedRoots> {
        let hasTPM = manifest.partitions[i].tpm
        let memory = try buildNestedTable(cpu, frames, functions, hasTPM, forStep: false, &arena).root
        var roots = InlineArray<16, NestedRoots>(
            repeating: NestedRoots(memory: memory, loader: 0, bus: 0, unclaimed: 0))
        for vcpu in 0..<16 {
            roots[vcpu] = NestedRoots(memory: memory, loader: 0, bus: roots[0].bus, unclaimed: roots[0].unclaimed)
            guard vcpu < buses else { continue }
            guard let unclaimed = changing.take(), let tables = arena.take(ScratchPages.tableFrames) else {
                throw .outOfFrames
            }
            let nothing = ScratchPages(page: unclaimed, tables: tables, access: .readWrite)
            unsafe nothing.fill(CPU.Nested.self)
            var bus = try buildNestedTable(cpu, frames, functions, hasTPM, forStep: true, &arena)
            bus.fill(with: nothing)
            let loader = vcpu == 0 ? try buildLoaderTable(cpu, frames, i, &arena) : 0
            roots[vcpu] = NestedRoots(memory: memory, loader: loader, bus: bus.root, unclaimed: unclaimed)
        }
        return roots
    }

    /// Guest-physical memory as `GuestMemory` lays it out.
    private func buildNestedTable<CPU: VirtualizationExtension>(
        _ cpu: CPU.Type, _ frames: borrowing FrameRange, _ functions: Pointer<PartitionFunctions>?, _ hasTPM: Bool,
        forStep: Bool, _ arena: inout FrameArena
    ) throws(PageTableError) -> PageTable<CPU.Nested> {
        var nested = try PageTable<CPU.Nested>(
            hugePages: CPU.hasHugeNestedPages, smallExecutable: Errata(CPU.vendor).executesFromSmallPages, arena: &arena
        )
        let low = min(frames.size, GuestMemory.lowLimit)
        try map(cpu, 0, to: frames.base, low, .all, frames.key.bits, into: &nested, &arena)
        try map(
            cpu, GuestMemory.highBase, to: frames.base + low, frames.size - low, .all, frames.key.bits, into: &nested,
            &arena)
        let tpm = GuestWindows.tpm, size = hasTPM ? GuestWindows.tpmSize : 0
        try nested.map(tpm, to: tpm, size: size, PartitionFunctions.uncached, arena: &arena)
        if let functions {
            try functions.value.map(into: &nested, arena: &arena)
            try functions.value.mapMemory(into: &nested, forStep: forStep, arena: &arena)
        }
        return nested
    }

    /// The same with the images where the loader finds them. Functions' registers are not in it: a single step reaches them.
    private func buildLoaderTable<CPU: VirtualizationExtension>(
        _ cpu: CPU.Type, _ frames: borrowing FrameRange, _ i: Int, _ arena: inout FrameArena
    ) throws(PageTableError) -> UInt64 {
        var nested = try buildNestedTable(cpu, frames, nil, false, forStep: true, &arena)
        var window = LoaderMemory.window(memorySize: frames.size)
        for image in 0..<2 {
            let file = image == 0 ? plan.files[i].kernel : plan.files[i].initrd
            // Images lie in 2 MiB aligned pages of their own, so that whole large pages may be mapped.
            let size = LoaderMemory.aligned(file.size)
            try map(cpu, window, to: file.address, size, .read, .none, into: &nested, &arena)
            window += size
        }
        let log = manifest.partitions[i].tpm ? plan.log.file : LoadedFile()
        try map(cpu, window, to: log.address, (log.size + 4095) & ~4095, .read, .none, into: &nested, &arena)
        return nested.root
    }

    /// Maps physical memory in runs of one memory type.
    func map<CPU: VirtualizationExtension>(
        _: CPU.Type, _ guest: UInt64, to base: UInt64, _ size: UInt64, _ access: Access, _ key: KeyBits,
        into nested: inout PageTable<CPU.Nested>, _ arena: inout FrameArena
    ) throws(PageTableError) {
        var done: UInt64 = 0
        while done < size {
            let at = base + done, run = CPU.memoryRun(from: at, limit: base + size)
            try nested.map(guest + done, to: key.encode(at), size: run.end - at, access.with(run.type), arena: &arena)
            done = run.end - base
        }
    }

    /// A core's state and its own tables: the program, its block's structures and its partition's memory; nothing of any
    /// other partition.
    private mutating func buildCore(
        _ core: consuming OwnedCore, _ vcpu: Int, block: Int, _ context: Pointer<PartitionContext>?,
        _ program: ProgramMemory, _ arena: inout FrameArena
    ) throws(PageTableError) {
        let index = core.index, layout = plan.blocks[block].layout(vcpu)
        var table = try PageTable<LongModeFormat>(hugePages: LongModeFormat.hasHugePages, arena: &arena)
        try program.map(into: &table, arena: &arena)
        try plan.blocks[block].map(program.vendor, into: &table, arena: &arena)
        if let context {
            let base = context.value.memory.base, size = context.value.memory.size
            try table.map(base, to: context.value.memory.physical, size: size, .readWrite, arena: &arena)
            if let functions = context.value.functions { try functions.value.map(forCore: &table, arena: &arena) }
            try map(context.value.sites, into: &table, &arena)
            if vcpu == 0 {  // it verifies them
                try map(context.value.kernel, into: &table, &arena)
                try map(context.value.initrd, into: &table, &arena)
                try map(context.value.secret, into: &table, &arena)
            }
        }
        var housekeeping: Pointer<Housekeeping>?
        if index == manifest.housekeeping {
            housekeeping = try mapHousekeeping(into: &table, besides: block, program, &arena)
        }
        try program.crash.map(page: index, into: &table, arena: &arena)
        coreStates[index] = layout.base
        layout.state.initialize(
            to: CoreState(
                core, layout: layout, pageTables: table.root, partition: context, vcpu: vcpu,
                housekeeping: housekeeping, program: program, hasOthersSibling: isSplit(index),
                resources: resources(of: index)))
    }

    /// What the check of the manifest has found possible.
    private func resources(of core: Int) -> CoreResources {
        do throws(ManifestError) { return try manifest.resources(of: core, on: plan.machine.facts) } catch { cpu_ud2() }
        return CoreResources()
    }

    private func map(
        _ file: LoadedFile, into table: inout PageTable<LongModeFormat>, _ arena: inout FrameArena
    ) throws(PageTableError) {
        let size = LoaderMemory.aligned(file.size), address = file.address & ~0x1F_FFFF
        try table.map(address, to: address, size: size, .read, arena: &arena)
    }

    /// The controlPages of all partitions, and nothing else of them, for the core that answers managers.
    private mutating func mapHousekeeping(
        into table: inout PageTable<LongModeFormat>, besides own: Int, _ program: ProgramMemory,
        _ arena: inout FrameArena
    ) throws(PageTableError) -> Pointer<Housekeeping> {
        if own != 8 { try plan.blocks[8].map(program.vendor, into: &table, arena: &arena) }
        for i in 0..<manifest.partitionCount where i != own {
            try table.map(controlPages[i], to: controlPages[i], size: ControlPage.bytes, .readWrite, arena: &arena)
        }
        try plan.machine.iommu?.mapFaults(into: &table, &arena)
        var changing = plan.blocks[8].makeChanging()
        let state = Pointer<Housekeeping>(at: try take(Housekeeping.self, &changing))
        guard let history = changing.take(MachineBackend.historyFrames) else { throw .outOfFrames }
        state.initialize(to: Housekeeping(self, program, history: history))
        return state
    }

    /// Whether a thread of this core's physical core has another owner, or none.
    private func isSplit(_ index: Int) -> Bool {
        guard let owner = manifest.owner(ofCore: index) else { return false }
        for other in 0..<tables.processorCount
        where tables.topology.areSiblings(tables.apicIDs[index], tables.apicIDs[other]) {
            if manifest.owner(ofCore: other) != owner { return true }
        }
        return false
    }

    func take<T: ~Copyable>(_ type: T.Type, _ arena: inout FrameArena) throws(PageTableError) -> UInt64 {
        guard let address = arena.take(FrameArena.count(T.self)) else { throw .outOfFrames }
        return address
    }
}

extension LongModeFormat {
    /// Whether the processor has pages of 1 GiB (CPUID 80000001h EDX bit 26).
    static var hasHugePages: Bool { cpu_cpuid(0x8000_0001, 0).edx & 1 << 26 != 0 }
}
