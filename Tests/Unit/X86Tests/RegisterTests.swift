import Testing
import X86

/// Register bits and numbers against AMD64 APM volume 2, sections 3.1 and 8.2 and appendix A, typed in from the manual.
@Suite struct RegisterTests {
    @Test(
        arguments: [
            ("CR0.PE", CR0.protectionEnable, 0), ("CR0.ET", CR0.extensionType, 4), ("CR0.NE", CR0.numericError, 5),
            ("CR0.WP", CR0.writeProtect, 16), ("CR0.NW", CR0.notWriteThrough, 29), ("CR0.CD", CR0.cacheDisable, 30),
            ("CR0.PG", CR0.paging, 31), ("CR4.PAE", CR4.physicalAddressExtension, 5), ("CR4.OSFXSR", CR4.osFXSR, 9),
            ("CR4.OSXSAVE", CR4.osXSAVE, 18), ("RFLAGS.TF", RFLAGS.trap, 8), ("EFER.SCE", EFER.systemCall, 0),
            ("EFER.LME", EFER.longModeEnable, 8), ("EFER.LMA", EFER.longModeActive, 10),
            ("EFER.NXE", EFER.noExecute, 11),
            ("EFER.SVME", EFER.secureVirtualMachine, 12),
        ] as [(String, UInt64, UInt64)]) func bits(name: String, mask: UInt64, bit: UInt64)
    {
        #expect(mask == 1 << bit, "\(name)")
    }

    @Test(
        arguments: [
            ("APIC_BAR", MSR.apicBase, 0x1B), ("PAT", MSR.pat, 0x277), ("TSC_AUX", MSR.tscAux, 0xC000_0103),
            ("EFER", MSR.efer, 0xC000_0080), ("VM_CR", MSR.vmCR, 0xC001_0114),
            ("VM_HSAVE_PA", MSR.vmHSavePA, 0xC001_0117),
            ("x2APIC EOI", MSR.x2apicEOI, 0x80B), ("x2APIC ICR", MSR.x2apicICR, 0x830),
        ] as [(String, UInt32, UInt32)]) func numbers(name: String, msr: UInt32, manual: UInt32)
    {
        #expect(msr == manual, "\(name)")
    }

    @Test func vectors() {
        let vectors = [
            Vector.debug, Vector.nmi, Vector.invalidOpcode, Vector.doubleFault, Vector.generalProtection,
            Vector.pageFault, Vector.floatingPoint, Vector.machineCheck,
        ]
        #expect(vectors == [1, 2, 6, 8, 13, 14, 16, 18])
    }
}
