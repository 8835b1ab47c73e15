import Manifest
import Synchronization

/// Runs a core's part of the machine, from boot or after a fault of its instance of the hypervisor on: its vCPU, or
/// housekeeping alone.
func runCore<Extension: VirtualizationExtension>(
    _ core: Pointer<CoreState>, _: Extension.Type, recovering: Bool
) -> Never {
    guard let partition = core.value.partition else {
        while true {
            core.value.housekeeping?.value.serve(core.value)
            Extension.idle(core.value.layout)
        }
    }
    var runner = VCPURunner(context: ExitContext<Extension>(core, partition))
    if core.value.vcpu == 0 {
        runner.runBootVCPU(start: !recovering && partition.value.spec.autostart, recovering: recovering)
    }
    runner.runSecondaryVCPU()
}
