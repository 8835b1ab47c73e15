import Manifest
import Platform
import Silicon
import X86

/// AMD's virtual processor (AMD64 APM volume 2, chapter 15).
struct SVM: VirtualCPU {
    private let vmcb: UInt64
    private let hostState: UInt64
    private let registers: UInt64
    private let maps: PermissionMaps
    private let nested: NestedRoots
    /// The guest's own trap flag while `dropWrite` has taken it, else nil.
    private var steppingOver: UInt64?
    private let addressSpace: UInt32

    init(core: borrowing CoreLayout, maps: PermissionMaps, nested: NestedRoots, addressSpace: UInt32) {
        vmcb = core.controlBlock
        hostState = core.hostState
        registers = core.registers
        self.maps = maps
        self.nested = nested
        self.addressSpace = addressSpace
    }

    typealias Nested = NestedFormat
    static var vendor: Vendor { .amd }
    static var hasHugeNestedPages: Bool { MachineBuilder.hasHugePages }
    /// The MTRRs count behind nested tables too (section 15.25.8).
    static func memoryRun(from address: UInt64, limit: UInt64) -> (type: MemoryType, end: UInt64) { (.writeBack, limit) }
    static func permissionBit(_ msr: UInt32, write: Bool) -> Int? { msrPermissionBit(msr).map { $0 + (write ? 1 : 0) } }

    static func requireProcessor() throws(Refusal) {
        guard cpu_cpuid(0x8000_0000, 0).eax >= 0x8000_000A, cpu_cpuid(0x8000_0001, 0).ecx & 1 << 2 != 0 else {
            throw Refusal("the processor has no SVM (CPUID 80000001h ECX bit 2)")
        }
        guard cpu_rdmsr(MSR.vmCR) & 1 << 4 == 0 else {
            throw Refusal("SVM is disabled by the firmware (VM_CR.SVMDIS)")
        }
        guard cpu_cpuid(0x8000_000A, 0).edx & 1 != 0 else {
            throw Refusal("the processor has no nested paging (CPUID 8000000Ah EDX bit 0)")
        }
        guard cpu_cpuid(0x8000_000A, 0).ebx > UInt32(Manifest.maxPartitions) else {
            throw Refusal("the processor has fewer address space ids than there may be partitions (CPUID 8000000Ah EBX)")
        }
    }

    static func holdInterrupts() { cpu_clgi() }
    static func allowInterrupts() { cpu_stgi() }
    static func idle(_ core: borrowing CoreLayout) { svm_idle() }

    static func enable(core: borrowing CoreLayout) {
        cpu_wrmsr(MSR.efer, cpu_rdmsr(MSR.efer) | EFER.secureVirtualMachine)
        cpu_wrmsr(MSR.vmHSavePA, core.hostSave)
        cpu_clgi()
        cpu_vmsave(core.hostState)
    }

    mutating func run() -> Exit {
        unsafe svm_run(UnsafeMutablePointer(bitPattern: UInt(registers)), vmcb, hostState)
        // The flush that a reset asked for is done; an event whose delivery was cut short is delivered again (15.7.2).
        store(UInt8(0), vmcb + UInt64(VMCB.tlbControl))
        self[VMCB.eventInjection] = self[VMCB.exitInterruptInfo]
        if steppingOver != nil { return endStep() }
        return decode(self[VMCB.exitCode])
    }

    private func decode(_ code: UInt64) -> Exit {
        switch code {
        case ExitCode.cpuid: return .cpuid
        case ExitCode.msr: return self[VMCB.exitInfo1] & 1 == 0 ? .readMSR : .writeMSR
        case ExitCode.port:
            let info = self[VMCB.exitInfo1]  // section 15.10.2
            return .port(
                number: UInt16(truncatingIfNeeded: info >> 16), size: UInt8(truncatingIfNeeded: info >> 4 & 7),
                isInput: info & 1 != 0, string: info & 4 != 0, next: self[VMCB.exitInfo2])
        case ExitCode.nestedPageFault:
            return .nestedPageFault(address: self[VMCB.exitInfo2], isWrite: self[VMCB.exitInfo1] & 2 != 0)
        case ExitCode.exceptionFirst + UInt64(Vector.debug): return .exception(Vector.debug, error: nil)
        case ExitCode.exceptionFirst + UInt64(Vector.alignmentCheck): return .exception(Vector.alignmentCheck, error: 0)
        case ExitCode.nmi: return .nmi
        case ExitCode.smi: return .smi
        case ExitCode.vmmcall: return .hypercall
        case ExitCode.shutdown: return .shutdown
        case ExitCode.initSignal: return .initSignal
        case ExitCode.rdpmc: return .protectedInstruction
        case ExitCode.vmrun, ExitCode.vmload...ExitCode.skinit, ExitCode.invlpga, ExitCode.monitor, ExitCode.mwait,
            ExitCode.rdpru, ExitCode.rsm:
            return .refusedInstruction
        case ExitCode.invd, ExitCode.wbinvd: return .cacheControl
        case ExitCode.invalid: return .invalidState
        default: return .unexpected(code)
        }
    }

    mutating func skip(_ length: UInt64) {
        let next = self[VMCB.nextRIP]
        rip = next != 0 ? next : rip &+ length
        self[VMCB.interruptShadow] = 0
    }

    mutating func raise(_ vector: UInt8, error: UInt32?) {
        // Event injection, section 15.20: type 3 is an exception, bit 11 says that an error code is valid.
        self[VMCB.eventInjection] =
            UInt64(vector) | 3 << 8 | 1 << 31 | (error.map { UInt64($0) << 32 | 1 << 11 } ?? 0)
    }

    mutating func dropWrite() {
        // An instruction that reads what it changes reads ones, as it would from a bus.
        for offset in 0..<(FrameArena.frameSize / 8) { store(UInt64.max, nested.dropped + offset * 8) }
        steppingOver = self[VMCB.rflags] & RFLAGS.trap
        self[VMCB.rflags] |= RFLAGS.trap
        self[VMCB.interruptShadow] = 1  // no interrupt comes before the instruction
        useNested(nested.dropping)
    }

    /// Whatever ended the step, the guest's own trap flag and view of memory come back.
    private mutating func endStep() -> Exit {
        let trap = steppingOver ?? 0
        steppingOver = nil
        self[VMCB.rflags] = self[VMCB.rflags] & ~RFLAGS.trap | trap
        useNested(nested.reading)
        guard self[VMCB.exitCode] == ExitCode.exceptionFirst + UInt64(Vector.debug) else {
            return decode(self[VMCB.exitCode])
        }
        // A guest that steps itself gets the trap that was its own.
        if trap != 0 { raise(Vector.debug, error: nil) } else { self[VMCB.dr6] &= ~(1 << 14) }
        return .stepped
    }

    private func useNested(_ root: UInt64) {
        self[VMCB.nestedCR3] = root
        store(UInt8(1), vmcb + UInt64(VMCB.tlbControl))
    }

    mutating func injectNMI() { self[VMCB.eventInjection] = UInt64(Vector.nmi) | 2 << 8 | 1 << 31 }

    func describeInvalidState(to line: inout Line) {
        line.write("VMRUN refused it (APM volume 2, section 15.5.1), CR0 ")
        line.write(hexadecimal: self[VMCB.cr0])
        line.write(", CR4 ")
        line.write(hexadecimal: self[VMCB.cr4])
        line.write(", EFER ")
        line.write(hexadecimal: self[VMCB.efer])
    }

    mutating func takePending() {
        cpu_stgi()
        cpu_clgi()
    }

    var rax: UInt64 {
        get { self[VMCB.rax] }
        set { self[VMCB.rax] = newValue }
    }
    var rip: UInt64 {
        get { self[VMCB.rip] }
        set { self[VMCB.rip] = newValue }
    }
    var clockLag: UInt64 {
        get { 0 &- self[VMCB.tscOffset] }
        nonmutating set { self[VMCB.tscOffset] = 0 &- newValue }
    }
    var cr4: UInt64 { self[VMCB.cr4] }
    var hasPaging: Bool { self[VMCB.cr0] & CR0.paging != 0 }
    /// The SVME bit that VMRUN demands is not the guest's to see.
    var efer: UInt64 {
        get { self[VMCB.efer] & ~EFER.secureVirtualMachine }
        set { self[VMCB.efer] = newValue | EFER.secureVirtualMachine }
    }
    var rbx: UInt64 {
        get { load(registers) }
        set { store(newValue, registers) }
    }
    var rcx: UInt64 {
        get { load(registers + 8) }
        set { store(newValue, registers + 8) }
    }
    var rdx: UInt64 {
        get { load(registers + 16) }
        set { store(newValue, registers + 16) }
    }

    private subscript(field: Int) -> UInt64 {
        get { load(vmcb + UInt64(field)) }
        nonmutating set { store(newValue, vmcb + UInt64(field)) }
    }
}

extension SVM {
    mutating func reset(to entry: GuestEntry) {
        clear()
        switch entry.mode {
        case .long64:
            segment(VMCB.cs, selector: GuestEntry.codeSelector, SegmentAttributes.code64, limit: 0xFFFF_FFFF, base: 0)
            setData(selector: GuestEntry.dataSelector, SegmentAttributes.data32, limit: 0xFFFF_FFFF)
            self[VMCB.cr0] = CR0.paging | CR0.numericError | CR0.extensionType | CR0.protectionEnable
            self[VMCB.cr4] = CR4.physicalAddressExtension
            self[VMCB.cr3] = entry.cr3
            efer = EFER.longModeEnable | EFER.longModeActive
        case .protected32:
            segment(VMCB.cs, selector: GuestEntry.codeSelector, SegmentAttributes.code32, limit: 0xFFFF_FFFF, base: 0)
            setData(selector: GuestEntry.dataSelector, SegmentAttributes.data32, limit: 0xFFFF_FFFF)
            self[VMCB.cr0] = CR0.extensionType | CR0.protectionEnable
        }
        segment(VMCB.tr, selector: GuestEntry.taskSelector, SegmentAttributes.busyTSS, limit: 0x67, base: 0)
        segment(VMCB.gdtr, selector: 0, 0, limit: UInt32(entry.gdtLimit), base: entry.gdtBase)
        rip = entry.rip
        self[VMCB.rsp] = entry.rsp
        rax = entry.rax
        rbx = entry.rbx
        store(entry.rsi, registers + 24)
    }

    mutating func reset(startUp vector: UInt8) {
        clear()
        segment(
            VMCB.cs, selector: UInt16(vector) << 8, SegmentAttributes.code16, limit: 0xFFFF, base: UInt64(vector) << 12)
        setData(selector: 0, SegmentAttributes.data16, limit: 0xFFFF)
        segment(VMCB.gdtr, selector: 0, 0, limit: 0xFFFF, base: 0)
        // INIT leaves caching disabled (section 14.1.3); with nested paging that would cost the guest its caches until it
        // clears the bits, and no guest relies on it.
        self[VMCB.cr0] = CR0.extensionType
    }

    /// A processor without state: all registers zero, every control as Bulkhead wants it.
    private mutating func clear() {
        unsafe cpu_zero(UnsafeMutableRawPointer(bitPattern: UInt(vmcb)), 4096)
        store(guest_registers(), registers)
        store(Intercept.wanted, vmcb + UInt64(VMCB.intercepts))
        store(Intercept.exceptions, vmcb + UInt64(VMCB.interceptExceptions))
        self[VMCB.iopmBase] = maps.ports
        self[VMCB.msrpmBase] = maps.msrs
        // A fresh ASID whose old translations go away at the first entry (section 15.16.1).
        self[VMCB.asid] = UInt64(addressSpace) | 1 << 32
        self[VMCB.nestedPaging] = 1
        steppingOver = nil
        self[VMCB.nestedCR3] = nested.reading
        self[VMCB.gPAT] = 0x0007_0406_0007_0406
        efer = 0
        self[VMCB.rflags] = 2
        self[VMCB.dr6] = 0xFFFF_0FF0
        self[VMCB.dr7] = 0x400
        segment(VMCB.ldtr, selector: 0, SegmentAttributes.ldt, limit: 0xFFFF, base: 0)
        segment(VMCB.tr, selector: 0, SegmentAttributes.busyTSS, limit: 0xFFFF, base: 0)
        segment(VMCB.idtr, selector: 0, 0, limit: 0xFFFF, base: 0)
        cpu_write_dr(0)
    }

    private func setData(selector: UInt16, _ attributes: UInt16, limit: UInt32) {
        segment(VMCB.ds, selector: selector, attributes, limit: limit, base: 0)
        segment(VMCB.es, selector: selector, attributes, limit: limit, base: 0)
        segment(VMCB.ss, selector: selector, attributes, limit: limit, base: 0)
        segment(VMCB.fs, selector: selector, attributes, limit: limit, base: 0)
        segment(VMCB.gs, selector: selector, attributes, limit: limit, base: 0)
    }

    private func segment(_ field: Int, selector: UInt16, _ attributes: UInt16, limit: UInt32, base: UInt64) {
        let at = vmcb + UInt64(field)
        store(UInt64(selector) | UInt64(attributes) << 16 | UInt64(limit) << 32, at)
        store(base, at + 8)
    }
}
