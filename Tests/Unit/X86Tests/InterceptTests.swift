import Testing
import X86

/// Intercept bits and exit codes against AMD64 APM volume 2, tables B-1 and C-1, typed in from the manual. Bits of the
/// vector at 00Ch count from 0, those of the vector at 010h from 32.
@Suite struct InterceptTests {
    private static let table: [(name: String, intercept: UInt64, vector: UInt64, bit: UInt64)] = [
        ("NMI", Intercept.nmi, 3, 1), ("SMI", Intercept.smi, 3, 2), ("INIT", Intercept.initSignal, 3, 3),
        ("RDPMC", Intercept.rdpmc, 3, 15), ("CPUID", Intercept.cpuid, 3, 18), ("RSM", Intercept.rsm, 3, 19),
        ("INVD", Intercept.invd, 3, 22), ("INVLPGA", Intercept.invlpga, 3, 26),
        ("IOIO_PROT", Intercept.ioProtection, 3, 27), ("MSR_PROT", Intercept.msrProtection, 3, 28),
        ("task switch", Intercept.taskSwitch, 3, 29), ("FERR_FREEZE", Intercept.ferrFreeze, 3, 30),
        ("shutdown", Intercept.shutdown, 3, 31), ("VMRUN", Intercept.vmrun, 4, 0), ("VMMCALL", Intercept.vmmcall, 4, 1),
        ("VMLOAD", Intercept.vmload, 4, 2), ("VMSAVE", Intercept.vmsave, 4, 3), ("STGI", Intercept.stgi, 4, 4),
        ("CLGI", Intercept.clgi, 4, 5), ("SKINIT", Intercept.skinit, 4, 6), ("WBINVD", Intercept.wbinvd, 4, 9),
        ("MONITOR", Intercept.monitor, 4, 10), ("MWAIT", Intercept.mwait, 4, 11), ("RDPRU", Intercept.rdpru, 4, 14),
    ]

    @Test func everyBitLiesWhereTheManualHasIt() {
        for row in Self.table { #expect(row.intercept == 1 << ((row.vector - 3) * 32 + row.bit), "\(row.name)") }
    }

    @Test func wantedHasEveryNamedBit() {
        #expect(Intercept.wanted == Self.table.reduce(0) { $0 | $1.intercept })
        #expect(Intercept.iret == 1 << 20 && Intercept.wanted & Intercept.iret == 0)
    }

    /// Without these a guest reaches the hypervisor's state, another partition, or the machine.
    @Test(
        arguments: [
            ("NMI, or no kick arrives", 1), ("INIT", 3), ("INVD, which drops neighbours' data", 22),
            ("INVLPGA", 26), ("ports", 27), ("MSRs", 28), ("shutdown, which would reset the machine", 31),
            ("VMRUN, which VMRUN itself demands", 32), ("VMLOAD", 34), ("VMSAVE", 35), ("STGI", 36), ("CLGI", 37),
            ("SKINIT", 38), ("WBINVD, which takes neighbours' caches", 41),
        ] as [(String, UInt64)]) func containment(what: String, bit: UInt64)
    {
        #expect(Intercept.wanted >> bit & 1 == 1, "\(what)")
    }

    /// No exits in steady state (law 3): interrupts, idling, clocks and memory management stay on the silicon.
    @Test(
        arguments: [
            ("INTR", 0), ("VINTR", 4), ("selective CR0", 5), ("RDTSC", 14), ("PUSHF", 16), ("POPF", 17), ("IRET", 20),
            ("INTn", 21), ("PAUSE", 23), ("HLT", 24), ("INVLPG", 25), ("RDTSCP", 39), ("XSETBV", 45), ("CR0 write", 48),
            ("CR3 write", 51), ("CR4 write", 52), ("CR8 write", 56),
        ] as [(String, UInt64)]) func steadyState(what: String, bit: UInt64)
    {
        #expect(Intercept.wanted >> bit & 1 == 0, "\(what)")
    }

    @Test(
        arguments: [
            ("EXCP0", ExitCode.exceptionFirst, 0x40),
            ("NMI", ExitCode.nmi, 0x61),
            ("SMI", ExitCode.smi, 0x62), ("INIT", ExitCode.initSignal, 0x63), ("RDPMC", ExitCode.rdpmc, 0x6F),
            ("CPUID", ExitCode.cpuid, 0x72), ("RSM", ExitCode.rsm, 0x73), ("IRET", ExitCode.iret, 0x74),
            ("INVD", ExitCode.invd, 0x76),
            ("INVLPGA", ExitCode.invlpga, 0x7A), ("IOIO", ExitCode.port, 0x7B), ("MSR", ExitCode.msr, 0x7C),
            ("FERR_FREEZE", ExitCode.ferrFreeze, 0x7E),
            ("SHUTDOWN", ExitCode.shutdown, 0x7F), ("VMRUN", ExitCode.vmrun, 0x80), ("VMMCALL", ExitCode.vmmcall, 0x81),
            ("VMLOAD", ExitCode.vmload, 0x82), ("SKINIT", ExitCode.skinit, 0x86), ("WBINVD", ExitCode.wbinvd, 0x89),
            ("MONITOR", ExitCode.monitor, 0x8A), ("MWAIT", ExitCode.mwait, 0x8B), ("RDPRU", ExitCode.rdpru, 0x8E),
            ("NPF", ExitCode.nestedPageFault, 0x400),
        ] as [(String, UInt64, UInt64)]) func exitCodes(name: String, code: UInt64, manual: UInt64)
    {
        #expect(code == manual, "\(name)")
    }

    /// VMEXIT_INVALID is -1 (table C-1); a processor may write 32 bits of it.
    @Test func invalidInBothWidths() {
        #expect(ExitCode.isInvalid(UInt64(bitPattern: -1)) && ExitCode.isInvalid(UInt64(UInt32(bitPattern: -1))))
        for code in [0, 0x400, 0x7FFF_FFFF, 0xFFFF_FFFE, 0xFFFF, 1 << 32] as [UInt64] {
            #expect(!ExitCode.isInvalid(code))
        }
    }

    /// #DB and #AC, whose delivery can raise them again for ever inside of one instruction, where no NMI gets through; #MC.
    @Test func exceptions() {
        #expect(Vector.exiting == 1 << 1 | 1 << 17 | 1 << 18)
        // APM volume 2, table 8-1: those that an instruction may raise, but for INT3 and INTO; not the NMI.
        let faults: [UInt8] = [0, 1, 5, 6, 7, 8, 10, 11, 12, 13, 14, 16, 17, 18, 19, 21]
        #expect(Vector.exitingInStep == faults.reduce(0) { $0 | 1 << UInt32($1) })
        let withError: [UInt8] = [8, 10, 11, 12, 13, 14, 17, 21, 29, 30]
        for vector in 0..<255 as Range<UInt8> { #expect(Vector.hasError(vector) == withError.contains(vector)) }
    }

    /// Up to SKINIT the codes of the second vector follow its bits.
    @Test func codesFollowTheBits() {
        for row in Self.table where row.vector == 4 {
            #expect((row.intercept >> 32).trailingZeroBitCount == Int(row.bit))
        }
        for (code, bit) in [
            (ExitCode.nmi, Intercept.nmi), (ExitCode.cpuid, Intercept.cpuid), (ExitCode.port, Intercept.ioProtection),
            (ExitCode.msr, Intercept.msrProtection), (ExitCode.shutdown, Intercept.shutdown),
            (ExitCode.vmrun, Intercept.vmrun), (ExitCode.wbinvd, Intercept.wbinvd), (ExitCode.mwait, Intercept.mwait),
            (ExitCode.rdpru, Intercept.rdpru),
        ] {
            #expect(code == 0x60 + UInt64(bit.trailingZeroBitCount))
        }
    }
}
