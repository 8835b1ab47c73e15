/// What answers an exit: the vCPU, its core and its partition. Its methods are mutating, since a call by value would copy it.
struct ExitContext<Extension: VirtualizationExtension>: ~Copyable {
    let core: Pointer<CoreState>
    let partition: Pointer<PartitionContext>
    var cpu: Extension.CPU
    /// By which the partition's device model runs on this core.
    var modelCPU: Extension.CPU
    /// Whether it runs for the first time.
    var isModelNew = false
    var trappedAccess = TrappedAccess()
    var watch = VCPUWatch()

    init(_ core: Pointer<CoreState>, _ partition: Pointer<PartitionContext>) {
        self.core = core
        self.partition = partition
        let layout = core.value.layout, maps = partition.value.maps, space = partition.value.addressSpace.raw
        let model = NestedRoots(memory: partition.value.model?.nested ?? 0, loader: 0, bus: 0, unclaimed: 0)
        // Translations are tagged by the core's own numbers, of which nobody else has any here.
        modelCPU = Extension.CPU(
            core: layout, block: layout.modelBlock,
            VCPUMeans(registers: layout.registers, maps: maps, nested: model, addressSpace: space == 1 ? 2 : 1))
        // The last one that is made is current.
        cpu = Extension.CPU(
            core: layout, block: layout.controlBlock,
            VCPUMeans(
                registers: layout.registers, maps: maps, nested: partition.value.nested[core.value.vcpu],
                addressSpace: space))
    }
}
