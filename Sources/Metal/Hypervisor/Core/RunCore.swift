import Manifest

/// Runs a core's part of the machine, from boot or after a fault of its instance of the hypervisor on: its vCPU, or
/// housekeeping alone.
func runCore<Extension: VirtualizationExtension>(
    _ core: Pointer<CoreState>, _: Extension.Type, recovering: Bool
) -> Never {
    guard let partition = core.value.partition else {
        LocalAPIC.reset(Extension.self)
        while true { core.value.nap(Extension.self) }
    }
    var runner = VCPURunner(context: ExitContext<Extension>(core, partition))
    if core.value.vcpu == 0 {
        runner.runBootVCPU(start: !recovering && partition.value.spec.autostart, recovering: recovering)
    }
    runner.runSecondaryVCPU()
}

extension CoreState {
    /// One turn, where answering managers is this core's work.
    func serveManagers() { housekeeping?.value.serve(self) }

    /// Answers managers where that is this core's work, and sleeps until a kick. Where it is, and for who waits for a moment and
    /// gives the rate of the TSC, the sleep is no longer than 20 ms. No guest is on the core.
    func nap<Extension: VirtualizationExtension>(_: Extension.Type, tscKHz: UInt64? = nil) {
        serveManagers()
        if let rate = tscKHz ?? housekeeping?.value.tscKHz { LocalAPIC.startTicking(tscKHz: rate) }
        Extension.idle(layout, interruptible: true)
    }
}
