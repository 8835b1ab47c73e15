import Records
import Silicon
import X86

// The one place where the vendor is asked for at run time; what lies behind each case is specialised at compile time.
extension Vendor {
    static func ofThisProcessor() throws(Refusal) -> Vendor {
        let leaf = cpu_cpuid(0, 0)
        guard let vendor = Vendor(ebx: leaf.ebx, ecx: leaf.ecx, edx: leaf.edx) else {
            throw Refusal("the processor is neither AMD's nor Intel's (CPUID 0)")
        }
        return vendor
    }

    func requireProcessor() throws(Refusal) {
        switch self {
        case .amd: try SVM.requireProcessor()
        case .intel: try VMX.requireProcessor()
        }
        guard cpu_cpuid(1, 0).ecx & 1 << 21 != 0 else {
            throw Refusal("the processor has no x2APIC (CPUID 1 ECX bit 21)")
        }
        // It cannot be cleared with paging on, and page tables of four levels would be read as of five.
        guard cpu_read_cr4() & CR4.wideAddresses == 0 else {
            throw Refusal(
                "the firmware uses 57-bit addresses (CR4.LA57); its set-up may have a switch for 5-level paging")
        }
    }

    func build(_ plan: consuming PlannedMachine, _ program: ProgramMemory) throws(Refusal) -> BuiltMachine {
        switch self {
        case .amd: try plan.build(SVM.self, program)
        case .intel: try plan.build(VMX.self, program)
        }
    }

    func enable(_ core: borrowing CoreLayout) throws(Refusal) {
        switch self {
        case .amd: SVM.enable(core: core)
        case .intel: try VMX.enable(core: core)
        }
    }

    /// Of which AMD's processors alone have a flag.
    func disableGlobalInterrupts() { if self == .amd { SVM.disableGlobalInterrupts() } }

    func record(guestOf core: borrowing CoreLayout, in record: inout CrashRecord) {
        switch self {
        case .amd: SVM.record(guestOf: core, in: &record)
        case .intel: VMX.record(guestOf: core, in: &record)
        }
    }

    /// Runs the vCPU of `core`, or its housekeeping.
    func run(_ core: Pointer<CoreState>, recovering: Bool) -> Never {
        switch self {
        case .amd: runCore(core, SVM.self, recovering: recovering)
        case .intel: runCore(core, VMX.self, recovering: recovering)
        }
    }
}
