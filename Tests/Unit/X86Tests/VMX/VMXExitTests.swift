import Testing
import X86

/// Exit reasons against Intel SDM volume 3D, appendix C, and the words that come with them against volume 3C, sections
/// 25.9 and 28.2.1.
@Suite struct VMXExitTests {
    @Test(
        arguments: [
            (0, VMXExit.exceptionOrNMI), (2, VMXExit.tripleFault),
            (3, VMXExit.initSignal), (8, VMXExit.nmiWindow), (10, VMXExit.cpuid),
            (11, VMXExit.getsec), (13, VMXExit.invd), (15, VMXExit.rdpmc), (18, VMXExit.vmcall), (19, VMXExit.vmclear),
            (27, VMXExit.vmxon), (41, VMXExit.entryMachineCheck),
            (28, VMXExit.controlRegister), (30, VMXExit.io), (31, VMXExit.rdmsr),
            (32, VMXExit.wrmsr), (36, VMXExit.mwait), (39, VMXExit.monitor), (48, VMXExit.eptViolation),
            (50, VMXExit.invept),
            (52, VMXExit.preemptionTimer), (53, VMXExit.invvpid), (54, VMXExit.wbinvd), (55, VMXExit.xsetbv),
            (59, VMXExit.vmfunc), (76, VMXExit.seamcall), (77, VMXExit.tdcall),
        ] as [(UInt16, UInt16)]) func reasons(manual: UInt16, reason: UInt16)
    {
        #expect(reason == manual)
    }

    @Test func reasonField() {
        let failed = VMXExitReason(rawValue: 0x8000_0021)
        #expect(failed.basic == 33 && failed.isEntryFailure)
        // Bit 27 tells of enclave mode.
        let exit = VMXExitReason(rawValue: 0x0800_000A)
        #expect(exit.basic == VMXExit.cpuid && !exit.isEntryFailure)
    }

    /// The bits of each flag of a word, and that no other bit touches it.
    private func check<Word>(_ make: (UInt64) -> Word, _ flags: [(bit: UInt64, value: (Word) -> Bool)]) {
        for (bit, value) in flags {
            for i in 0..<64 as Range<UInt64> { #expect(value(make(1 << i)) == (i == bit), "bit \(i) of \(Word.self)") }
        }
    }

    @Test func eptViolation() {
        check(
            EPTViolation.init(rawValue:),
            [(2, \.isFetch), (12, \.unblockedNMIs)])
    }

    @Test func controlRegisterAccess() {
        // MOV CR4, RAX; MOV R9, CR3; CLTS; LMSW of 1234h from memory; MOV CR8, RDI.
        for other in [0x004, 0x913, 0x020, 0x1234_0070, 0x708] as [UInt64] {
            #expect(!ControlRegisterAccess(rawValue: other).isMoveToCR0)
        }
        let move = ControlRegisterAccess(rawValue: 0x900)  // MOV CR0, R9
        #expect(move.isMoveToCR0 && move.register == 9)
    }

    @Test func interruptionInfo() {
        let fault = InterruptionInfo(vector: 13, kind: .hardwareException, hasError: true)
        #expect(fault.rawValue == 0x8000_0B0D)
        #expect(fault.vector == 13 && fault.kind == .hardwareException && fault.hasError && fault.isValid)
        // In real mode there are no error codes; SVM has the same layout (APM volume 2, section 15.20).
        for (cr0, raw) in [(0x11, 0x8000_0B0D), (0x10, 0x8000_030D), (0x6000_0010, 0x8000_030D)] as [(UInt64, UInt32)] {
            #expect(InterruptionInfo(exception: 13, hasError: true, cr0: cr0).rawValue == raw)
            #expect(InterruptionInfo(exception: 6, hasError: false, cr0: cr0).rawValue == 0x8000_0306)
        }
        // INTn by its kind, INT3 and INTO by their vectors.
        for vector in 0..<256 as Range<Int> {
            #expect(InterruptionInfo(vector: UInt8(vector), kind: .softwareInterrupt).isSoftware)
            #expect(
                InterruptionInfo(vector: UInt8(vector), kind: .hardwareException).isSoftware == (3...4 ~= vector))
            for kind in [InterruptionInfo.Kind.externalInterrupt, .nmi] {
                #expect(!InterruptionInfo(vector: UInt8(vector), kind: kind).isSoftware)
            }
        }
        #expect(InterruptionInfo(vector: 2, kind: .nmi).rawValue == 0x8000_0202)
        #expect(InterruptionInfo(vector: 0x80, kind: .softwareInterrupt).rawValue == 0x8000_0480)
        #expect(InterruptionInfo(vector: 0xEF, kind: .externalInterrupt).rawValue == 0x8000_00EF)
        #expect(!InterruptionInfo(rawValue: 0x7FFF_FFFF).isValid)
        let kinds: [InterruptionInfo.Kind] = [
            .externalInterrupt, .reserved, .nmi, .hardwareException, .softwareInterrupt, .privilegedException,
            .softwareException, .other,
        ]
        for (i, kind) in kinds.enumerated() {
            #expect(InterruptionInfo(rawValue: UInt32(i) << 8).kind == kind)
        }
        for bit in 0..<32 as Range<UInt32> {
            let info = InterruptionInfo(rawValue: 1 << bit)
            #expect(info.isValid == (bit == 31) && info.hasError == (bit == 11))
            #expect(info.reinjected.rawValue == (bit < 12 || bit == 31 ? 1 << bit : 0))
        }
    }
}
