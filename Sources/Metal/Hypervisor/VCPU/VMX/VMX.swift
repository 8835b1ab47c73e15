import Manifest
import Records
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

/// Intel's virtual-machine extensions (SDM volume 3, chapters 24 to 28), as a processor offers them.
enum VMX: VirtualizationExtension {
    typealias CPU = VMXCPU
    typealias Nested = EPTFormat
    static var vendor: Vendor { .intel }

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
        try VMXControlValues(
            pin: fold(.pin), processor: fold(.processor), secondary: fold(.secondary), exit: fold(.exit),
            entry: fold(.entry))
    }

    @inline(never)
    private static func fold(_ set: ControlSet) throws(Refusal) -> UInt32 {
        let words: StaticString, control: UInt32
        switch set.fold(capability: cpu_rdmsr(set.capability)) {
        case .value(let value): return value
        case .notOffered(let bit): (words, control) = ("the processor lacks a VMX control: ", bit)
        case .alwaysOn(let bit): (words, control) = ("the processor insists on a VMX control: ", bit)
        }
        throw Refusal(words, set.bitName, number: UInt64(control.trailingZeroBitCount))
    }

    private static func lacks(_ name: StaticString) -> Refusal { Refusal("the processor lacks ", name) }

    static func enable(core: borrowing CoreLayout) throws(Refusal) {
        if cpu_rdmsr(MSR.featureControl) & 1 == 0 {
            let isLocal = MachineCheckRegisters.hasLocal(cpu_rdmsr(MachineCheckRegisters.capability))
            cpu_wrmsr(MSR.featureControl, 1 << 2 | 1 | (isLocal ? MachineCheckRegisters.localInFeatureControl : 0))
        }
        try requireProcessor()
        cpu_write_cr4(cpu_read_cr4() | CR4.vmxEnable)
        let revision = VMXBasic(rawValue: cpu_rdmsr(MSR.vmxBasic)).revision
        store(revision, core.hostSave)
        store(revision, core.controlBlock)
        store(revision, core.modelBlock)
        guard vmx_on(core.hostSave) == 0 else { throw Refusal("VMXON failed") }
        // Nothing that firmware or a predecessor left stays in the translation caches.
        _ = vmx_invalidate_ept(2, 0)
        _ = vmx_invalidate_vpid(2, 0)
    }

    static func disableGlobalInterrupts() {}
    static func enableGlobalInterrupts() {}
    static func idle(_ core: borrowing CoreLayout, interruptible: Bool) {
        unsafe vmx_idle(UnsafeMutablePointer(bitPattern: UInt(core.registers)), interruptible ? 1 : 0)
    }
    static func record(guestOf core: borrowing CoreLayout, in record: inout CrashRecord) {
        _ = vmx_load(core.controlBlock)
        record.addGuest(cs: vmx_read(VMCSField.guestCSSelector), .intel)
        record.addGeneralRegisters(at: core.registers, rax: Pointer<guest_registers>(at: core.registers).value.rax)
        let fields: [7 of UInt32] = [
            VMCSField.guestRIP, VMCSField.guestRSP, VMCSField.guestRFLAGS, VMCSField.guestCR0, VMCSField.guestCR3,
            VMCSField.guestCR4, VMCSField.guestEFER,
        ]
        for i in fields.indices { record[.guestRIP, i] = vmx_read(fields[i]) }
        if record.hasFrame { return }
        record[.cr2] = cpu_read_cr2()
        record[.error] = vmx_read(VMCSField.exitReason) | vmx_read(VMCSField.instructionError) << 32
        record[.detail] = vmx_read(VMCSField.guestPhysicalAddress)
    }

    /// Every field that the processor's checks look at; `bulkhead crash show` goes through them.
    static func recordInvalidState(_ core: borrowing CoreState) {
        guard let partition = core.partition,
            let record = core.program.crash.begin(.invalidState, core: core.index, vcpu: core.vcpu)
        else { return }
        record.value.setPartition(partition.value.spec.name)
        record.value[.error] = vmx_read(VMCSField.exitReason)
        record.value[.detail] = vmx_read(VMCSField.exitQualification)
        let rules: [6 of UInt64] = [
            cpu_rdmsr(MSR.vmxCR0Fixed0), cpu_rdmsr(MSR.vmxCR0Fixed1), cpu_rdmsr(MSR.vmxCR4Fixed0),
            cpu_rdmsr(MSR.vmxCR4Fixed1), cpu_rdmsr(MSR.vmxMisc), UInt64(cpu_cpuid(0x8000_0008, 0).eax),
        ]
        InvalidStateRecord.fill(&record.value, rules: rules, read: vmx_read)
        record.seal()
    }
}
