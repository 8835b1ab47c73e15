import Manifest
import Records
import Silicon
import X86

/// AMD's secure virtual machine (AMD64 APM volume 2, chapter 15), as a processor offers it.
enum SVM: VirtualizationExtension {
    typealias CPU = SVMCPU
    typealias Nested = NestedFormat
    static var vendor: Vendor { .amd }
    static var hasHugeNestedPages: Bool { LongModeFormat.hasHugePages }
    /// The MTRRs count behind nested tables too (section 15.25.8).
    static func memoryRun(from address: UInt64, limit: UInt64) -> (type: MemoryType, end: UInt64) {
        (.writeBack, limit)
    }
    static func permissionBit(_ msr: UInt32, write: Bool) -> Int? { msrPermissionBit(msr).map { $0 + (write ? 1 : 0) } }

    static func requireProcessor() throws(Refusal) {
        guard cpu_cpuid(0x8000_0000, 0).eax >= 0x8000_000A, cpu_cpuid(0x8000_0001, 0).ecx & 1 << 2 != 0 else {
            throw Refusal("the processor has no SVM (CPUID 80000001h ECX bit 2)")
        }
        guard cpu_rdmsr(MSR.vmCR) & 1 << 4 == 0 else { throw Refusal("SVM is disabled by the firmware (VM_CR.SVMDIS)") }
        guard cpu_cpuid(0x8000_000A, 0).edx & 1 != 0 else {
            throw Refusal("the processor has no nested paging (CPUID 8000000Ah EDX bit 0)")
        }
        guard cpu_cpuid(0x8000_000A, 0).ebx > UInt32(Manifest.maxPartitions) else {
            throw Refusal(
                "the processor has fewer address space ids than there may be partitions (CPUID 8000000Ah EBX)")
        }
    }

    static func disableGlobalInterrupts() { cpu_clgi() }
    static func enableGlobalInterrupts() { cpu_stgi() }
    static func idle(_ core: borrowing CoreLayout, interruptible: Bool) { svm_idle(interruptible ? 1 : 0) }
    /// See `openWindow`.
    static func openWindow(_ core: borrowing CoreLayout) {
        let registers = Pointer<guest_registers>(at: core.registers)
        registers.value.kicked = 0
        cpu_stgi()
        cpu_clgi()
        if registers.value.kicked != 0 { LocalAPIC.kick(LocalAPIC.id) }
    }

    static func enable(core: borrowing CoreLayout) {
        cpu_wrmsr(MSR.efer, cpu_rdmsr(MSR.efer) | EFER.secureVirtualMachine)
        cpu_wrmsr(MSR.vmHSavePA, core.hostSave)
        // DE_CFG: LFENCE waits for what is before it. Guests read so there, and cannot have it by writing (MSREmulation).
        cpu_wrmsr(0xC001_1029, cpu_rdmsr(0xC001_1029) | 1 << 1)
        cpu_vmsave(core.hostState)
    }

    static func record(guestOf core: borrowing CoreLayout, in record: inout CrashRecord) {
        let block = core.controlBlock
        func field(_ offset: Int) -> UInt64 { load(block + UInt64(offset)) }
        record.addGuest(cs: field(VMCB.cs), .amd)
        record.addGeneralRegisters(at: core.registers, rax: field(VMCB.rax))
        let fields: [7 of Int] = [VMCB.rip, VMCB.rsp, VMCB.rflags, VMCB.cr0, VMCB.cr3, VMCB.cr4, VMCB.efer]
        for i in fields.indices { record[.guestRIP, i] = field(fields[i]) }
        if record.hasFrame { return }
        record[.cr2] = field(VMCB.cr2)
        record[.error] = field(VMCB.exitCode)
        record[.detail] = field(VMCB.exitInfo2)
    }

    static func recordInvalidState(_ core: borrowing CoreState) {}
}
