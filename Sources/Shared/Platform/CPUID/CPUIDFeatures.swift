// The feature bits that guests may see, one line a bit or run of bits. What each leaves out is named behind it.
extension CPUIDPolicy {
    // Left out: DTES64, MONITOR, DS-CPL, VMX, SMX, EIST, TM2, CNXT-ID, SDBG, xTPR, PDCM, DCA, TSC-deadline. x2APIC (21),
    // OSXSAVE (27) and hypervisor (31) are made.
    static let features1ECX: UInt32 =
        1 << 0 | 1 << 1  // SSE3, PCLMULQDQ
        | 1 << 9 | 1 << 12 | 1 << 13 | 1 << 17  // SSSE3, FMA, CMPXCHG16B, PCID
        | 1 << 19 | 1 << 20 | 1 << 22 | 1 << 23  // SSE4.1, SSE4.2, MOVBE, POPCNT
        | 1 << 25 | 1 << 26  // AES, XSAVE
        | 1 << 28 | 1 << 29 | 1 << 30  // AVX, F16C, RDRAND

    // Left out: MCE, MTRR, MCA, PSN, DS, ACPI, TM, PBE. HTT (28) is made.
    static let features1EDX: UInt32 =
        0x7F  // FPU, VME, DE, PSE, TSC, MSR, PAE
        | 1 << 8 | 1 << 11 | 1 << 13  // CMPXCHG8B, SEP, PGE; APIC by its mode
        | 1 << 15 | 1 << 16 | 1 << 17 | 1 << 19  // CMOV, PAT, PSE36, CLFLUSH
        | 1 << 23 | 1 << 24 | 1 << 25 | 1 << 26 | 1 << 27  // MMX, FXSR, SSE, SSE2, self-snoop

    // Left out: TSC_ADJUST, SGX, HLE, RTM, PQM, MPX, PQE, PT and what is reserved.
    static let features7EBX: UInt32 =
        1 << 0 | 1 << 3 | 1 << 5 | 1 << 6  // FSGSBASE, BMI1, AVX2, FDP on exceptions only
        | 1 << 7 | 1 << 8 | 1 << 9 | 1 << 10  // SMEP, BMI2, ERMS, INVPCID
        | 1 << 13 | 1 << 16 | 1 << 17  // no FPU CS and DS, AVX512F, AVX512DQ
        | 1 << 18 | 1 << 19 | 1 << 20  // RDSEED, ADX, SMAP
        | 1 << 21 | 1 << 23 | 1 << 24  // AVX512-IFMA, CLFLUSHOPT, CLWB
        | 1 << 26 | 1 << 27 | 1 << 28 | 1 << 29  // AVX512PF, AVX512ER, AVX512CD, SHA
        | 1 << 30 | 1 << 31  // AVX512BW, AVX512VL

    // Left out: WAITPKG, CET, TME, LA57, MAWAU, key locker, bus-lock detection, ENQCMD, SGX_LC, PKS. OSPKE (4) is made.
    static let features7ECX: UInt32 =
        1 << 1 | 1 << 2 | 1 << 3  // AVX512-VBMI, UMIP, PKU
        | 1 << 6 | 1 << 8 | 1 << 9 | 1 << 10  // AVX512-VBMI2, GFNI, VAES, VPCLMULQDQ
        | 1 << 11 | 1 << 12 | 1 << 14  // AVX512-VNNI, AVX512-BITALG, AVX512-VPOPCNTDQ
        | 1 << 22 | 1 << 25 | 1 << 27 | 1 << 28  // RDPID, CLDEMOTE, MOVDIRI, MOVDIR64B

    // Left out: what machine checks, tracing and TSX bring, SERIALIZE, the hybrid and PCONFIG bits, CET, AMX, L1D_FLUSH and the
    // registers of architectural and core capabilities.
    static let features7EDX: UInt32 = 1 << 4 | 1 << 10 | speculationEDX  // fast short REP MOVSB, VERW clears buffers
    /// Intel's bits for SPEC_CTRL and PRED_CMD, which guests have: IBRS and IBPB, STIBP, SSBD. AMD's are in 80000008h.
    static let speculationEDX: UInt32 = 1 << 26 | 1 << 27 | 1 << 31

    static let features7Subleaf1EAX: UInt32 =
        1 << 4 | 1 << 5  // AVX-VNNI, AVX512-BF16
        | 1 << 10 | 1 << 11 | 1 << 12  // fast zero-length MOVSB, fast short STOSB, CMPSB

    /// Components of XCR0: x87, SSE, AVX, three of AVX-512, PKRU. Left out: MPX, AMX and all supervisor components.
    public static let stateComponents: UInt32 = 1 << 0 | 1 << 1 | 1 << 2 | 1 << 5 | 1 << 6 | 1 << 7 | 1 << 9

    // Left out: SVM, extended APIC space, OSVW, IBS, SKINIT, WDT, LWP, TCE, NodeId, TOPOEXT, the performance counters,
    // data breakpoints, performance TSC, MWAITX, address masks. CmpLegacy (1) is made.
    static let extended1ECX: UInt32 =
        1 << 0 | 1 << 4 | 1 << 5 | 1 << 6  // LAHF, AltMovCr8, ABM, SSE4A
        | 1 << 7 | 1 << 8 | 1 << 11 | 1 << 16 | 1 << 21  // misaligned SSE, PREFETCH, XOP, FMA4, TBM

    // Left out: MCE, MTRR, MCA.
    static let extended1EDX: UInt32 =
        0x7F | 1 << 8  // as leaf 1
        | 1 << 11 | 1 << 13 | 1 << 15 | 1 << 16 | 1 << 17  // SYSCALL, PGE, CMOV, PAT, PSE36
        | 1 << 20 | 1 << 22 | 1 << 23 | 1 << 24 | 1 << 25  // NX, MMX extensions, MMX, FXSR, FFXSR
        | 1 << 26 | 1 << 27 | 1 << 29 | 1 << 30 | 1 << 31  // 1 GiB pages, RDTSCP, long mode, 3DNow! extensions, 3DNow!

    // Left out: IRPERF, INVLPGB, RDPRU, MCOMMIT, WBNOINVD, SEV's and VM's bits.
    static let extended8EBX: UInt32 =
        1 << 0 | 1 << 2  // CLZERO, FP error pointers always restored
        | 1 << 12 | 1 << 14 | 1 << 15 | 1 << 16  // IBPB, IBRS, STIBP, IBRS always on
        | 1 << 17 | 1 << 18 | 1 << 19  // STIBP always on, IBRS preferred, IBRS protects the same mode
        | 1 << 24 | 1 << 26 | 1 << 28  // SSBD, SSB not needed, PSFD
}
