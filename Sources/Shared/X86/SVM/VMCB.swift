/// Offsets in the virtual machine control block (AMD64 APM volume 2, appendix B).
public enum VMCB {
    // Control area, table B-1.
    /// Of control registers: reads in the low half, writes in the high one.
    public static let interceptControl = 0x000
    public static let interceptExceptions = 0x008
    public static let intercepts = 0x00C
    public static let iopmBase = 0x040
    public static let msrpmBase = 0x048
    /// Added to the TSC whenever the guest reads it.
    public static let tscOffset = 0x050
    public static let asid = 0x058
    public static let tlbControl = 0x05C
    public static let interruptShadow = 0x068
    public static let exitCode = 0x070
    public static let exitInfo1 = 0x078
    public static let exitInfo2 = 0x080
    public static let exitInterruptInfo = 0x088
    public static let nestedPaging = 0x090
    public static let eventInjection = 0x0A8
    public static let nestedCR3 = 0x0B0
    public static let nextRIP = 0x0C8
    // State save area, table B-2.
    public static let es = 0x400
    public static let cs = 0x410
    public static let gdtr = 0x460
    public static let idtr = 0x480
    public static let privilegeLevel = 0x4CB
    public static let efer = 0x4D0
    public static let cr4 = 0x548
    public static let cr3 = 0x550
    public static let cr0 = 0x558
    public static let dr7 = 0x560
    public static let dr6 = 0x568
    public static let rflags = 0x570
    public static let rip = 0x578
    public static let rsp = 0x5D8
    public static let rax = 0x5F8
    /// STAR, LSTAR, CSTAR and SFMASK; SYSENTER_CS, _ESP and _EIP. VMSAVE writes them.
    public static let star = 0x600
    public static let sysenter = 0x628
    public static let cr2 = 0x640
    public static let gPAT = 0x668
}

/// Bits of the intercept vectors at 00Ch (low half) and 010h (high half), as one 64-bit word.
public enum Intercept {
    public static let nmi: UInt64 = 1 << 1
    public static let smi: UInt64 = 1 << 2
    public static let initSignal: UInt64 = 1 << 3
    /// Only while a guest handles an NMI.
    public static let iret: UInt64 = 1 << 20
    /// INT n and INT1, which the intercept of #DB does not cover, while one instruction is stepped over that changes what the watch
    /// guards; INT3 and INTO exit as exceptions.
    public static let softwareInterrupt: UInt64 = 1 << 21 | 1 << 40
    public static let rdpmc: UInt64 = 1 << 15
    public static let cpuid: UInt64 = 1 << 18
    public static let rsm: UInt64 = 1 << 19
    public static let invd: UInt64 = 1 << 22
    public static let halt: UInt64 = 1 << 24
    public static let invlpga: UInt64 = 1 << 26
    public static let ioProtection: UInt64 = 1 << 27
    public static let msrProtection: UInt64 = 1 << 28
    public static let taskSwitch: UInt64 = 1 << 29
    public static let ferrFreeze: UInt64 = 1 << 30
    public static let shutdown: UInt64 = 1 << 31
    public static let vmrun: UInt64 = 1 << 32
    public static let vmmcall: UInt64 = 1 << 33
    public static let vmload: UInt64 = 1 << 34
    public static let vmsave: UInt64 = 1 << 35
    public static let stgi: UInt64 = 1 << 36
    public static let clgi: UInt64 = 1 << 37
    public static let skinit: UInt64 = 1 << 38
    public static let wbinvd: UInt64 = 1 << 41
    public static let monitor: UInt64 = 1 << 42
    public static let mwait: UInt64 = 1 << 43
    public static let rdpru: UInt64 = 1 << 46
    /// While the guest's kernel is locked: writes to CR0 that change more than TS and MP, LIDT, LGDT.
    public static let guarded: UInt64 = 1 << 5 | 1 << 10 | 1 << 11
    /// In the word of control registers.
    public static let writeCR4: UInt32 = 1 << 20
    /// Everything that a guest is refused or that the hypervisor answers. What is not here runs on the silicon:
    /// external interrupts, HLT, PAUSE, control registers, page-table work.
    public static let wanted: UInt64 =
        nmi | smi | initSignal | rdpmc | cpuid | rsm | invd | invlpga | ioProtection | msrProtection | taskSwitch
        | ferrFreeze | shutdown | vmrun | vmmcall | vmload | vmsave | stgi | clgi | skinit | wbinvd | monitor | mwait
        | rdpru
}

/// Exit codes (AMD64 APM volume 2, appendix C).
public enum ExitCode {
    public static let exceptionFirst: UInt64 = 0x40
    public static let nmi: UInt64 = 0x61
    public static let smi: UInt64 = 0x62
    public static let initSignal: UInt64 = 0x63
    public static let rdpmc: UInt64 = 0x6F
    public static let cpuid: UInt64 = 0x72
    public static let rsm: UInt64 = 0x73
    public static let iret: UInt64 = 0x74
    public static let invd: UInt64 = 0x76
    public static let halt: UInt64 = 0x78
    public static let invlpga: UInt64 = 0x7A
    public static let port: UInt64 = 0x7B
    public static let msr: UInt64 = 0x7C
    public static let ferrFreeze: UInt64 = 0x7E
    public static let shutdown: UInt64 = 0x7F
    public static let vmrun: UInt64 = 0x80
    public static let vmmcall: UInt64 = 0x81
    public static let vmload: UInt64 = 0x82
    public static let skinit: UInt64 = 0x86
    public static let wbinvd: UInt64 = 0x89
    public static let monitor: UInt64 = 0x8A
    public static let mwait: UInt64 = 0x8B
    public static let rdpru: UInt64 = 0x8E
    public static let nestedPageFault: UInt64 = 0x400
    /// Writes to CR4 and CR0, LIDT, LGDT.
    public static func isGuarded(_ code: UInt64) -> Bool {
        code == 0x14 || code == 0x65 || code == 0x6A || code == 0x6B
    }
    /// VMEXIT_INVALID is -1; some processors write 32 bits of it.
    public static func isInvalid(_ code: UInt64) -> Bool { code == .max || code == 0xFFFF_FFFF }
}

/// Segment attributes as the VMCB packs them: descriptor bits 55:52 and 47:40 (section 15.5.1).
public enum SegmentAttributes {
    public static let code64: UInt16 = 0xA9B
    public static let code32: UInt16 = 0xC9B
    public static let code16: UInt16 = 0x09B
    public static let data32: UInt16 = 0xC93
    public static let data16: UInt16 = 0x093
    public static let ldt: UInt16 = 0x082
    public static let busyTSS: UInt16 = 0x08B
}
