import Control
import Manifest
import ModelImage
import Platform
import Resources
import X86

/// Where a partition's device model is: its memory, its own page tables, and the nested ones.
struct ModelRoots {
    let page: Pointer<ModelPage>
    let program: UInt64
    /// A root's address, then all of them, which the processor notes in what it has used, and the model may write; and what
    /// they were made as.
    let tables: UInt64
    let tablesSize: UInt64
    let made: UInt64
    let nested: UInt64

    /// Nothing of what the last model may have written there stays.
    func renew() {
        for at in stride(from: 0, to: tablesSize, by: 4096) {
            copy(bytes(made + at, 4096), to: tables + at)
            openWindow()
        }
    }

    /// How many frames each kind of its tables takes at most; and all that does not change.
    static func frames(_ spec: PartitionSpec) -> Int { 16 + Int(spec.memorySize >> 30) + 4 * spec.wireCount }
    static func constantFrames(_ spec: PartitionSpec) -> Int {
        frames(spec) * 2 + Int(model_size() / FrameArena.frameSize)
    }
}

/// Where the device model has something in its own tables, where that is, how many bytes, and by which memory key.
private typealias ModelPart = (at: UInt64, base: UInt64, size: UInt64, key: KeyBits, access: Access)

/// Both are this block's own, or one is the program's; they do not overlap.
func copy(_ bytes: UnsafeRawBufferPointer, to address: UInt64) {
    guard let start = bytes.baseAddress else { return }
    unsafe UnsafeMutableRawPointer(bitPattern: UInt(address)).unsafelyUnwrapped.copyMemory(
        from: start, byteCount: bytes.count)
}

extension BuiltMachine {
    /// Everything that the device model reaches: its program, its own memory, the guest's, the rings, and its ends of wires. But for
    /// the first two, virtual, guest-physical and physical addresses are the same.
    func buildModel<CPU: VirtualizationExtension>(
        _ cpu: CPU.Type, _ frames: borrowing FrameRange, _ functions: Pointer<PartitionFunctions>, _ rings: UInt64,
        _ spec: PartitionSpec, _ arena: inout FrameArena, _ changing: inout FrameArena
    ) throws(PageTableError) -> ModelRoots {
        let count = ModelRoots.frames(spec), size = UInt64(count) * FrameArena.frameSize
        guard let page = changing.take(ModelMemory.frames), let space = changing.take(count),
            let made = arena.take(count), let program = arena.take(Int(model_size() / FrameArena.frameSize))
        else { throw .outOfFrames }
        // A copy for each: caches tell nobody what another's does.
        copy(bytes(model_address(), model_size()), to: program)
        var tables = unsafe FrameArena(base: space, size: size)
        var table = try PageTable<LongModeFormat>(hugePages: LongModeFormat.hasHugePages, arena: &tables)
        var nested = try PageTable<CPU.Nested>(
            hugePages: CPU.hasHugeNestedPages, smallExecutable: Errata(CPU.vendor).executesFromSmallPages, arena: &arena
        )
        // To nested tables the processor's walk is a write (AMD64 APM volume 2, section 15.25.5).
        try map(cpu, space, to: space, size, .readWrite, .none, into: &nested, &arena)
        var parts = [20 of ModelPart](repeating: (0, 0, 0, .none, .read))
        parts[0] = (ModelMemory.program, program, model_size(), .none, .readExecute)
        parts[1] = (ModelMemory.page, page, ModelMemory.end - ModelMemory.page, .none, .readWrite)
        parts[2] = (rings, rings, 4096, .none, .readWrite)
        parts[3] = (frames.base, frames.base, frames.size, frames.key.bits, .readWrite)
        for i in 0..<functions.value.guest.modelCount where functions.value.guest.memory(model: i) == nil {
            guard let wire = functions.value.wires[i] else { continue }
            parts[4 + i * 2] = (wire.own.base, wire.own.base, WireHalf.size, .none, .readWrite)
            parts[5 + i * 2] = (wire.other.base, wire.other.base, WireHalf.size, .none, .read)
        }
        for i in 0..<20 {
            let part = parts[i]
            try table.map(part.at, to: part.base, size: part.size, part.access, arena: &tables)
            try map(cpu, part.base, to: part.base, part.size, part.access, part.key, into: &nested, &arena)
        }
        copy(bytes(space, size), to: made)
        return ModelRoots(
            page: Pointer(at: page), program: program, tables: table.root, tablesSize: size, made: made,
            nested: nested.root)
    }
}
