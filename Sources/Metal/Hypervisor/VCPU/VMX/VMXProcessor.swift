import Silicon
import X86

/// What is written to the control fields of every control structure on this processor.
struct VMXControlValues {
    var pin: UInt32 = 0
    var processor: UInt32 = 0
    var secondary: UInt32 = 0
    var exit: UInt32 = 0
    var entry: UInt32 = 0
}

extension VMX {
    /// Bits of CR0 whose change exits: numeric errors, which VMX operation wants on, and caching, which is the machine's
    /// (sections 23.8 and 24.6.6).
    static let ownedCR0 = CR0.numericError | CR0.cacheDisable | CR0.notWriteThrough
    /// Bits of CR4 that guests have not: SMX, 57-bit addresses, shadow stacks, protection keys for supervisor pages, user
    /// interrupts and everything above; VMXE, which VMX operation wants on, and MCE, by which a machine check exits.
    static let ownedCR4: UInt64 = ~0x0077_0FBF

    static func requireProcessor() throws(Refusal) {
        guard cpu_cpuid(1, 0).ecx & 1 << 5 != 0 else { throw Refusal("the processor has no VMX (CPUID 1 ECX bit 5)") }
        let feature = cpu_rdmsr(MSR.featureControl)
        if feature & 1 != 0, feature & 1 << 2 == 0 {
            throw Refusal("VMX is disabled by the firmware (IA32_FEATURE_CONTROL bit 2)")
        }
        if let missing = VMXBasic(rawValue: cpu_rdmsr(MSR.vmxBasic)).missing { throw lacks(missing) }
        _ = try foldControls()
        if let missing = EPTCapability(rawValue: cpu_rdmsr(MSR.vmxEPTCapability)).missing { throw lacks(missing) }
    }

    static var hasHugeNestedPages: Bool { EPTCapability(rawValue: cpu_rdmsr(MSR.vmxEPTCapability)).hugePages }
    static func permissionBit(_ msr: UInt32, write: Bool) -> Int? { msrBitmapBit(msr, write: write) }

    /// The controls that we want, as this processor offers them (appendix A.3 to A.5).
    static func foldControls() throws(Refusal) -> VMXControlValues {
        var values = VMXControlValues()
        values.pin = try fold(.pin, MSR.vmxTruePinControls)
        values.processor = try fold(.processor, MSR.vmxTrueProcessorControls)
        values.secondary = try fold(.secondary, MSR.vmxSecondaryControls)
        values.exit = try fold(.exit, MSR.vmxTrueExitControls)
        values.entry = try fold(.entry, MSR.vmxTrueEntryControls)
        return values
    }

    @inline(never)
    private static func fold(_ set: ControlSet, _ capability: UInt32) throws(Refusal) -> UInt32 {
        switch set.fold(capability: cpu_rdmsr(capability)) {
        case .value(let value): return value
        case .notOffered(let control): throw lacks(set.name(of: control))
        case .alwaysOn(let control):
            throw Refusal("the processor insists on ", set.name(of: control))
        }
    }

    private static func lacks(_ name: StaticString) -> Refusal { Refusal("the processor lacks ", name) }

    static func enable(core: borrowing CoreLayout) throws(Refusal) {
        if cpu_rdmsr(MSR.featureControl) & 1 == 0 { cpu_wrmsr(MSR.featureControl, 1 << 2 | 1) }
        try requireProcessor()
        cpu_write_cr4(cpu_read_cr4() | CR4.vmxEnable)
        store(VMXBasic(rawValue: cpu_rdmsr(MSR.vmxBasic)).revision, core.hostSave)
        guard vmx_on(core.hostSave) == 0 else { throw Refusal("VMXON failed") }
        // ScratchPages that firmware or a predecessor left in the translation caches.
        _ = vmx_invalidate_ept(2, 0)
        _ = vmx_invalidate_vpid(2, 0)
    }

    static func holdInterrupts() {}
    static func allowInterrupts() {}
    static func idle(_ core: borrowing CoreLayout) {
        unsafe vmx_idle(UnsafeMutablePointer(bitPattern: UInt(core.registers)))
    }
}
