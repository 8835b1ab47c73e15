import Testing
import X86

/// Exit reasons against Intel SDM volume 3D, appendix C, and the words that come with them against volume 3C, sections
/// 25.9 and 28.2.1.
@Suite struct VMXExitTests {
    @Test(
        arguments: [
            (0, VMXExit.exceptionOrNMI), (1, VMXExit.externalInterrupt), (2, VMXExit.tripleFault),
            (3, VMXExit.initSignal), (4, VMXExit.startUp), (5, VMXExit.ioSMI), (6, VMXExit.otherSMI),
            (7, VMXExit.interruptWindow), (8, VMXExit.nmiWindow), (9, VMXExit.taskSwitch), (10, VMXExit.cpuid),
            (11, VMXExit.getsec), (12, VMXExit.hlt), (13, VMXExit.invd), (14, VMXExit.invlpg), (15, VMXExit.rdpmc),
            (16, VMXExit.rdtsc), (17, VMXExit.rsm), (18, VMXExit.vmcall), (19, VMXExit.vmclear),
            (20, VMXExit.vmlaunch), (21, VMXExit.vmptrld), (22, VMXExit.vmptrst), (23, VMXExit.vmread),
            (24, VMXExit.vmresume), (25, VMXExit.vmwrite), (26, VMXExit.vmxoff), (27, VMXExit.vmxon),
            (28, VMXExit.controlRegister), (29, VMXExit.debugRegister), (30, VMXExit.io), (31, VMXExit.rdmsr),
            (32, VMXExit.wrmsr), (33, VMXExit.invalidGuestState), (34, VMXExit.msrLoading), (36, VMXExit.mwait),
            (37, VMXExit.monitorTrapFlag), (39, VMXExit.monitor), (40, VMXExit.pause), (41, VMXExit.machineCheck),
            (43, VMXExit.tprThreshold), (44, VMXExit.apicAccess), (45, VMXExit.virtualizedEOI),
            (46, VMXExit.gdtrOrIDTR), (47, VMXExit.ldtrOrTR), (48, VMXExit.eptViolation),
            (49, VMXExit.eptMisconfiguration), (50, VMXExit.invept), (51, VMXExit.rdtscp),
            (52, VMXExit.preemptionTimer), (53, VMXExit.invvpid), (54, VMXExit.wbinvd), (55, VMXExit.xsetbv),
            (56, VMXExit.apicWrite), (57, VMXExit.rdrand), (58, VMXExit.invpcid), (59, VMXExit.vmfunc),
            (60, VMXExit.encls), (61, VMXExit.rdseed), (62, VMXExit.pageModificationLogFull), (63, VMXExit.xsaves),
            (64, VMXExit.xrstors), (65, VMXExit.pconfig), (66, VMXExit.subPagePermission), (67, VMXExit.umwait),
            (68, VMXExit.tpause), (69, VMXExit.loadiwkey), (70, VMXExit.enclv), (72, VMXExit.enqcmd),
            (73, VMXExit.enqcmds), (74, VMXExit.busLock), (75, VMXExit.instructionTimeout),
        ] as [(UInt16, UInt16)]) func reasons(manual: UInt16, reason: UInt16)
    {
        #expect(reason == manual)
    }

    @Test func reasonField() {
        let failed = VMXExitReason(rawValue: 0x8000_0021)
        #expect(failed.basic == VMXExit.invalidGuestState && failed.isEntryFailure)
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

    @Test func ioQualification() {
        check(
            IOQualification.init(rawValue:),
            [(3, \.isIn), (4, \.isString), (5, \.isRepeated), (6, \.isImmediate)])
        for (raw, size) in [(0, 1), (1, 2), (3, 4)] as [(UInt64, Int)] {
            #expect(IOQualification(rawValue: raw).size == size)
        }
        // IN AL, DX from the UART's line status; OUT 80h, AL; REP OUTSD to CFCh.
        let status = IOQualification(rawValue: 0x03FD_0008)
        #expect(status.port == 0x3FD && status.isIn && status.size == 1 && !status.isString && !status.isImmediate)
        let delay = IOQualification(rawValue: 0x0080_0040)
        #expect(delay.port == 0x80 && !delay.isIn && delay.isImmediate)
        let string = IOQualification(rawValue: 0x0CFC_0033)
        #expect(string.port == 0xCFC && string.size == 4 && string.isString && string.isRepeated && !string.isIn)
    }

    @Test func eptViolation() {
        check(
            EPTViolation.init(rawValue:),
            [
                (0, \.isRead), (1, \.isWrite), (2, \.isFetch), (3, \.wasReadable), (4, \.wasWritable),
                (5, \.wasExecutable), (7, \.hasLinearAddress), (8, \.isFinalAddress), (12, \.unblockedNMIs),
            ])
    }

    @Test func controlRegisterAccess() {
        check(ControlRegisterAccess.init(rawValue:), [(6, \.isFromMemory)])
        // MOV CR4, RAX; MOV R9, CR3; CLTS; LMSW of 1234h from memory; MOV CR8, RDI.
        let toCR4 = ControlRegisterAccess(rawValue: 0x004)
        #expect(toCR4.number == 4 && toCR4.kind == .moveTo && toCR4.register == 0)
        let fromCR3 = ControlRegisterAccess(rawValue: 0x913)
        #expect(fromCR3.number == 3 && fromCR3.kind == .moveFrom && fromCR3.register == 9)
        #expect(ControlRegisterAccess(rawValue: 0x020).kind == .clts)
        let lmsw = ControlRegisterAccess(rawValue: 0x1234_0070)
        #expect(lmsw.kind == .lmsw && lmsw.number == 0 && lmsw.isFromMemory && lmsw.source == 0x1234)
        let toCR8 = ControlRegisterAccess(rawValue: 0x708)
        #expect(toCR8.number == 8 && toCR8.kind == .moveTo && toCR8.register == 7)
    }

    @Test func interruptionInfo() {
        let fault = InterruptionInfo(vector: 13, kind: .hardwareException, hasError: true)
        #expect(fault.rawValue == 0x8000_0B0D)
        #expect(fault.vector == 13 && fault.kind == .hardwareException && fault.hasError && fault.isValid)
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
            #expect(kind.isSoftware == (4...6).contains(i))
        }
        for bit in 0..<32 as Range<UInt32> {
            let info = InterruptionInfo(rawValue: 1 << bit)
            #expect(info.isValid == (bit == 31) && info.hasError == (bit == 11) && info.unblockedNMIs == (bit == 12))
            #expect(info.reinjected.rawValue == (bit < 12 || bit == 31 ? 1 << bit : 0))
        }
    }

    @Test(
        arguments: [
            (SegmentAttributes.code64, 0xA09B), (SegmentAttributes.code32, 0xC09B), (SegmentAttributes.code16, 0x009B),
            (SegmentAttributes.data32, 0xC093), (SegmentAttributes.data16, 0x0093), (SegmentAttributes.ldt, 0x0082),
            (SegmentAttributes.busyTSS, 0x008B),
        ] as [(UInt16, UInt32)]) func accessRights(attributes: UInt16, raw: UInt32)
    {
        let rights = SegmentAccessRights(attributes: attributes)
        #expect(rights.rawValue == raw)
        #expect(rights.attributes == attributes)
        #expect(!rights.isUnusable && !rights.hasReservedBits && rights.isPresent)
    }

    @Test func partsOfAccessRights() {
        check(
            { SegmentAccessRights(rawValue: UInt32(truncatingIfNeeded: $0)) },
            [
                (4, \.isCodeOrData), (7, \.isPresent), (13, \.isLong), (14, \.isDefault32), (15, \.hasPageUnits),
                (16, \.isUnusable),
            ])
        for bit in 0..<32 as Range<UInt32> {
            let reserved = 8...11 ~= bit || bit >= 17
            #expect(SegmentAccessRights(rawValue: 1 << bit).hasReservedBits == reserved)
        }
        let rights = SegmentAccessRights(rawValue: 0xF3)
        #expect(rights.type == 3 && rights.privilege == 3)
        #expect(SegmentAccessRights(attributes: 0).isUnusable, "a null selector")
        #expect(SegmentAccessRights(rawValue: 0x1_00F3).attributes == 0x073, "unusable is not present")
    }

    /// Section 31.4: the numbers that are assigned, each with its own words.
    @Test func instructionErrors() {
        let assigned = Set([1...13, 15...20, 22...26, 28...28].joined())
        let other = VMXInstructionError.text(0).description
        var texts: Set<String> = []
        for number in 1...40 as ClosedRange<UInt32> {
            let text = VMXInstructionError.text(number).description
            #expect((text != other) == assigned.contains(Int(number)), "\(number)")
            if text != other { #expect(texts.insert(text).inserted) }
        }
        #expect(VMXInstructionError.text(7).description.contains("controls"))
        #expect(VMXInstructionError.text(8).description.contains("host state"))
        #expect(VMXInstructionError.text(.max).description == other)
    }
}
