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
    }

    func build(_ plan: consuming PlannedMachine, _ program: ProgramMemory) throws(Refusal) -> BuiltMachine {
        switch self {
        case .amd:
            program.fillMaps(SVM.self)
            return try plan.build(SVM.self, program)
        case .intel:
            program.fillMaps(VMX.self)
            return try plan.build(VMX.self, program)
        }
    }

    func enable(_ core: borrowing CoreLayout) throws(Refusal) {
        switch self {
        case .amd: SVM.enable(core: core)
        case .intel: try VMX.enable(core: core)
        }
    }

    func holdInterrupts() {
        switch self {
        case .amd: SVM.holdInterrupts()
        case .intel: VMX.holdInterrupts()
        }
    }

    /// Lives the life of `core`.
    func run(_ core: Pointer<CoreState>, recovering: Bool) -> Never {
        switch self {
        case .amd: core.value.run(SVM.self, recovering: recovering)
        case .intel: core.value.run(VMX.self, recovering: recovering)
        }
    }
}
