import Testing
import UnitSupport
import X86

@testable import Platform

@Suite struct CPUIDTests {
    private let everything = CPUIDRegisters(eax: .max, ebx: .max, ecx: .max, edx: .max)

    private func context(vcpus: [UInt32] = [4, 5], index: Int = 1, cr4: UInt64 = 0) -> CPUIDContext {
        var context = CPUIDContext(description(vcpus: vcpus), vcpu: index, apicTimerKHz: 1_000_000)
        context.cr4 = cr4
        return context
    }

    private func answer(
        _ leaf: UInt32, _ subleaf: UInt32 = 0, native: CPUIDRegisters? = nil, in context: CPUIDContext? = nil
    ) -> CPUIDRegisters {
        CPUIDPolicy.answer(
            leaf: leaf, subleaf: subleaf, native: native ?? everything, context ?? self.context())
    }

    /// A processor that has every feature there is, asked for every leaf near the known ranges: nothing but what the list
    /// and the synthetic leaves name comes through.
    @Test func deniedByDefault() {
        let shown: Set<UInt32> = [
            0, 1, 2, 4, 6, 7, 0xB, 0xD, 0x4000_0000, 0x4000_0001, 0x4000_0010, 0x8000_0000, 0x8000_0001,
            0x8000_0002, 0x8000_0003, 0x8000_0004, 0x8000_0005, 0x8000_0006, 0x8000_0007, 0x8000_0008, 0x8000_0019,
            0x8000_001A,
        ]
        let leaves =
            [0...0x100, 0x4000_0000...0x4001_0000, 0x7FFF_FFF0...0x8000_0100, 0x8FFF_FFFF...0x9000_0000]
            as [ClosedRange<UInt32>]
        for leaf in leaves.joined() {
            #expect((answer(leaf) != CPUIDRegisters()) == shown.contains(leaf), "leaf \(String(leaf, radix: 16))")
        }
        #expect(answer(.max) == CPUIDRegisters())
        for subleaf in 0...64 as ClosedRange<UInt32> {
            #expect((answer(7, subleaf) != CPUIDRegisters()) == [0, 1].contains(subleaf))
            #expect((answer(0xD, subleaf) != CPUIDRegisters()) == [0, 1, 2, 5, 6, 7, 9].contains(subleaf))
        }
    }

    /// SDM volume 3A, section 11.4.3: with the APIC switched off there is none.
    @Test func theAPICIsThereUnlessItIsOff() {
        for mode in [APICMode.off, .xAPIC, .x2APIC] {
            var context = self.context()
            context.apicMode = mode
            for leaf in [1, 0x8000_0001] as [UInt32] {
                #expect((answer(leaf, in: context).edx >> 9 & 1 == 1) == (mode != .off))
            }
        }
    }

    /// What the hypervisor does not virtualise, bit by bit, from the manuals.
    @Test func whatIsNotVirtualisedIsHidden() {
        let leaf1 = answer(1)
        // MONITOR, VMX, SMX, EIST, TM2, PDCM, DCA, TSC-deadline.
        for bit in [3, 5, 6, 7, 8, 15, 18, 24] as [UInt32] { #expect(leaf1.ecx & 1 << bit == 0, "ECX \(bit)") }
        // MCE, MTRR, MCA, DS, ACPI, TM, PBE.
        for bit in [7, 12, 14, 21, 22, 29, 31] as [UInt32] { #expect(leaf1.edx & 1 << bit == 0, "EDX \(bit)") }
        let leaf7 = answer(7)
        // TSC_ADJUST, SGX, RTM, PQM, MPX, PQE, PT.
        for bit in [1, 2, 4, 11, 12, 14, 15, 25] as [UInt32] { #expect(leaf7.ebx & 1 << bit == 0, "7 EBX \(bit)") }
        // WAITPKG, CET, LA57, bus lock, ENQCMD, PKS.
        for bit in [5, 7, 16, 24, 29, 31] as [UInt32] { #expect(leaf7.ecx & 1 << bit == 0, "7 ECX \(bit)") }
        // FSRM and MD_CLEAR alone; SPEC_CTRL's bits are Intel's.
        #expect(leaf7.edx == 1 << 4 | 1 << 10)
        #expect(leaf7.eax == 1)
        let extended = answer(0x8000_0001)
        // SVM, OSVW, IBS, SKINIT, WDT, LWP, TCE, TOPOEXT, PERFCTR, DBEXT, MWAITX.
        for bit in [2, 9, 10, 12, 13, 15, 17, 22, 23, 24, 26, 28, 29] as [UInt32] {
            #expect(extended.ecx & 1 << bit == 0, "extended ECX \(bit)")
        }
        for bit in [7, 12, 14] as [UInt32] { #expect(extended.edx & 1 << bit == 0, "extended EDX \(bit)") }
        #expect(answer(0xD).eax == 0x2E7)
        #expect(answer(0xD).edx == 0)
        #expect(answer(0xD, 1).eax == 0x7)
        #expect(answer(0xD, 1).ecx == 0)
        #expect(answer(6) == CPUIDRegisters(eax: 4))
        #expect(answer(0x8000_0007) == CPUIDRegisters(edx: 1 << 8))
    }

    /// Nothing that silicon does not say is made up, but for what the platform itself brings.
    @Test func nothingIsInvented() {
        let none = answer(1, native: CPUIDRegisters())
        #expect(none.ecx == 1 << 21 | 1 << 31)
        #expect(none.edx == 1 << 9 | 1 << 28)
        #expect(answer(7, native: CPUIDRegisters(), in: context(cr4: .max)) == CPUIDRegisters())
        #expect(answer(1, native: CPUIDRegisters(), in: context(cr4: .max)).ecx & 1 << 27 == 0)
        let brand = CPUIDRegisters(eax: 0x2044_4D41, ebx: 0x4359_5045, ecx: 7, edx: 9)
        #expect(answer(0x8000_0003, native: brand) == brand)
    }

    /// Intel SDM vol. 2, CPUID: 7 EDX bits 26, 27 and 31 say that MSRs 48h and 49h have IBRS and IBPB, STIBP, SSBD; bits of
    /// 80000001h and 80000008h that AMD defines are reserved.
    @Test func whatIntelsGuestsSee() {
        var intel = context()
        intel.vendor = .intel
        #expect(answer(7, in: intel).edx == 1 << 4 | 1 << 10 | 1 << 26 | 1 << 27 | 1 << 31)
        #expect(answer(7, native: CPUIDRegisters(), in: intel) == CPUIDRegisters())
        let none = CPUIDRegisters()
        #expect(answer(0x8000_0001, native: none, in: intel) == none)
        #expect(answer(0x8000_0001, native: none) == CPUIDRegisters(ecx: 1 << 1, edx: 1 << 9))
        #expect(answer(0x8000_0008, native: CPUIDRegisters(eax: 0x3027), in: intel) == CPUIDRegisters(eax: 0x3027))
        #expect(answer(1, native: none, in: intel) == answer(1, native: none), "the rest is as on AMD")
    }

    @Test func mirrorsOfCR4() {
        #expect(answer(1).ecx & 1 << 27 == 0)
        #expect(answer(1, in: context(cr4: 1 << 18)).ecx & 1 << 27 != 0)
        #expect(answer(7).ecx & 1 << 4 == 0)
        #expect(answer(7, in: context(cr4: 1 << 22)).ecx & 1 << 4 != 0)
    }

    @Test func topologyNamesThePartitionsCores() {
        let context = context(vcpus: [2, 5, 300], index: 2)
        #expect(answer(1, in: context).ebx >> 16 == 0x2C03)  // APIC id 300 in 8 bits, 3 processors
        #expect(answer(0xB, 0, in: context) == CPUIDRegisters(eax: 0, ebx: 1, ecx: 0x100, edx: 300))
        #expect(answer(0xB, 1, in: context) == CPUIDRegisters(eax: 9, ebx: 3, ecx: 0x201, edx: 300))
        #expect(answer(0xB, 2, in: context) == CPUIDRegisters(ecx: 2, edx: 300))
        #expect(answer(0x8000_0008, in: context).ecx == 9 << 12 | 2)
        let alone = self.context(vcpus: [0], index: 0)
        #expect(answer(1, in: alone).edx & 1 << 28 == 0)
        #expect(answer(0x8000_0001, in: alone).ecx & 2 == 0)
        #expect(answer(0x8000_0008, in: alone).ecx == 0)
    }

    @Test func cachesAreSharedWithinThePartitionAtMost() {
        // L2 and L3 of a processor that shares them among 64 threads.
        let level2 = answer(4, 2, native: CPUIDRegisters(eax: 0xFFFF_C043, ebx: 0x1C0_003F, ecx: 0x3FF))
        #expect(level2 == CPUIDRegisters(eax: 7 << 26 | 0x43, ebx: 0x1C0_003F, ecx: 0x3FF))
        let level3 = answer(4, 3, native: CPUIDRegisters(eax: 0xFFFF_C163))
        #expect(level3.eax == 7 << 26 | 7 << 14 | 0x163)
        #expect(answer(4, 9, native: CPUIDRegisters()) == CPUIDRegisters())
    }

    @Test func highestLeavesAreBounded() {
        func highest(_ leaf: UInt32, _ native: UInt32) -> UInt32 {
            answer(leaf, native: CPUIDRegisters(eax: native)).eax
        }
        #expect(highest(0, 0x10) == 0x0D)
        #expect(highest(0, 0x0C) == 0x0C)
        #expect(highest(0, 0x7) == 0x0B)
        #expect(highest(0x8000_0000, 0x8000_0028) == 0x8000_001A)
        #expect(highest(0x8000_0000, 0x8000_000A) == 0x8000_000A)
    }

    @Test func addressSizes() {
        #expect(answer(0x8000_0008, native: CPUIDRegisters(eax: 0x0000_3934)).eax == 0x3030)
        #expect(answer(0x8000_0008, native: CPUIDRegisters(eax: 0x0000_3028)).eax == 0x3028)
        #expect(answer(0x8000_0008, native: CPUIDRegisters(eax: 0x0030_3030)).eax == 0x0030_3030)
    }

    /// Sizes and alignments as processors with AVX-512 and protection keys have them.
    @Test func compactedStateIsTheSumOfItsComponents() {
        func size(_ xcr0: UInt64) -> UInt32 {
            CPUIDPolicy.compactedSize(xcr0: xcr0) { component in
                let sizes: [UInt32: (UInt32, UInt32)] = [
                    2: (256, 0), 3: (64, 0), 5: (64, 0), 6: (512, 0), 7: (1024, 0), 9: (8, 0), 17: (64, 2),
                ]
                let (eax, ecx) = sizes[component] ?? (0, 0)
                return CPUIDRegisters(eax: eax, ecx: ecx)
            }
        }
        #expect(size(1) == 576)
        #expect(size(3) == 576)
        #expect(size(7) == 832)
        #expect(size(0xE7) == 2432)
        #expect(size(0x2E7) == 2440)
        #expect(size(0x202E7) == 2440)  // what guests are not shown does not count
        let aligned = CPUIDPolicy.compactedSize(xcr0: 0x207) { CPUIDRegisters(eax: 8, ecx: $0 == 9 ? 2 : 0) }
        #expect(aligned == 640 + 8)
    }

    @Test func hypervisorLeaves() {
        let signature = answer(0x4000_0000)
        #expect(signature.eax == 0x4000_0010)
        let bytes = [signature.ebx, signature.ecx, signature.edx].flatMap { word in
            (0..<4).map { UInt8(truncatingIfNeeded: word >> ($0 * 8)) }
        }
        #expect(bytes == Array("KVMKVMKVM\0\0\0".utf8))
        #expect(answer(0x4000_0001) == CPUIDRegisters(eax: 0x0100_0008))
        #expect(answer(0x4000_0010) == CPUIDRegisters(eax: 2_000_000, ebx: 1_000_000))
        #expect(answer(0x4000_0100) == CPUIDRegisters())
    }
}
