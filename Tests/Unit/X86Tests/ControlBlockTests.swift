import Testing
import X86

/// The control block against AMD64 APM volume 2, appendix B, typed in from the manual.
@Suite struct ControlBlockTests {
    @Test(arguments: [
        ("exception intercepts", VMCB.interceptExceptions, 0x008), ("intercept vector 3", VMCB.intercepts, 0x00C),
        ("IOPM_BASE_PA", VMCB.iopmBase, 0x040), ("MSRPM_BASE_PA", VMCB.msrpmBase, 0x048), ("ASID", VMCB.asid, 0x058),
        ("TLB_CONTROL", VMCB.tlbControl, 0x05C),
        ("INTERRUPT_SHADOW", VMCB.interruptShadow, 0x068), ("EXITCODE", VMCB.exitCode, 0x070),
        ("EXITINFO1", VMCB.exitInfo1, 0x078), ("EXITINFO2", VMCB.exitInfo2, 0x080),
        ("EXITINTINFO", VMCB.exitInterruptInfo, 0x088), ("NP_ENABLE", VMCB.nestedPaging, 0x090),
        ("EVENTINJ", VMCB.eventInjection, 0x0A8), ("N_CR3", VMCB.nestedCR3, 0x0B0), ("nRIP", VMCB.nextRIP, 0x0C8),
    ]) func controlArea(field: String, offset: Int, manual: Int) {
        #expect(offset == manual, "\(field), table B-1")
    }

    @Test(arguments: [
        ("ES", VMCB.es, 0x000), ("CS", VMCB.cs, 0x010), ("GDTR", VMCB.gdtr, 0x060), ("IDTR", VMCB.idtr, 0x080),
        ("EFER", VMCB.efer, 0x0D0),
        ("CR4", VMCB.cr4, 0x148), ("CR3", VMCB.cr3, 0x150), ("CR0", VMCB.cr0, 0x158), ("DR7", VMCB.dr7, 0x160),
        ("DR6", VMCB.dr6, 0x168), ("RFLAGS", VMCB.rflags, 0x170), ("RIP", VMCB.rip, 0x178), ("RSP", VMCB.rsp, 0x1D8),
        ("RAX", VMCB.rax, 0x1F8), ("CR2", VMCB.cr2, 0x240), ("G_PAT", VMCB.gPAT, 0x268),
    ]) func stateSaveArea(field: String, offset: Int, manual: Int) {
        // Table B-2 counts from the start of the area, 400h.
        #expect(offset == 0x400 + manual, "\(field), table B-2")
    }

    /// Descriptor bits 55:52 and 47:40: G, D/B, L, AVL; P, DPL, S, type (sections 4.8 and 15.5.1).
    @Test func segmentAttributes() {
        #expect(SegmentAttributes.code64 == 0b1010_1001_1011, "4 KiB units, L; present, code, readable, accessed")
        #expect(SegmentAttributes.code32 == 0b1100_1001_1011)
        #expect(SegmentAttributes.code16 == 0b0000_1001_1011)
        #expect(SegmentAttributes.data32 == 0b1100_1001_0011)
        #expect(SegmentAttributes.data16 == 0b0000_1001_0011)
        #expect(SegmentAttributes.ldt == 0b0000_1000_0010)
        #expect(SegmentAttributes.busyTSS == 0b0000_1000_1011)
    }
}
