/// What answers an exit: the vCPU, its core and its partition. Its methods are mutating, since a call by value would copy it.
struct ExitContext<Extension: VirtualizationExtension>: ~Copyable {
    let core: Pointer<CoreState>
    let partition: Pointer<PartitionContext>
    var cpu: Extension.CPU
    var trappedAccess = TrappedAccess()
    var watch = VCPUWatch()

    init(_ core: Pointer<CoreState>, _ partition: Pointer<PartitionContext>) {
        self.core = core
        self.partition = partition
        cpu = Extension.CPU(
            core: core.value.layout, maps: partition.value.maps, nested: partition.value.nested[core.value.vcpu],
            addressSpace: partition.value.addressSpace.raw)
    }
}
