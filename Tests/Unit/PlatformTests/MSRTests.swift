import Testing
import X86

@testable import Platform

@Suite struct MSRTests {
    @Test(arguments: [Vendor.amd, .intel]) func everyRegisterOfTheTableIsFoundAndNoOther(vendor: Vendor) {
        var listed: [UInt32: MSRRule] = [:]
        var last: UInt32?
        for i in 0..<MSRPolicy.entries.count {
            let entry = MSRPolicy.entries[i]
            #expect(entry.first <= entry.last)
            if let last { #expect(last < entry.first, "out of order at \(entry.first)") }
            last = entry.last
            guard entry.vendor == nil || entry.vendor == vendor else { continue }
            for msr in entry.first...entry.last { listed[msr] = entry.rule }
        }
        let ranges =
            [0...0x2000, 0x4000_0000...0x4000_0200, 0x4B56_4CF0...0x4B56_4D10, 0xC000_0000...0xC000_1FFF]
            + [0xC001_0000...0xC001_1FFF, 0xFFFF_FFF0...0xFFFF_FFFF] as [ClosedRange<UInt32>]
        for msr in ranges.joined() {
            let rule = MSRPolicy.lookup(msr, vendor)
            #expect(rule == listed[msr], "\(String(msr, radix: 16))")
            // What exits and is answered is what the table says, and nothing else.
            #expect((MSREmulation(msr, vendor) != nil) == (isEmulated(msr, vendor) || rule == .readable))
            #expect(rule == nil || !isEmulated(msr, vendor), "passed through and answered: \(String(msr, radix: 16))")
        }
    }

    /// What would break out of a partition or betray the hypervisor, by number.
    @Test(
        arguments: [
            0xC001_0114, 0xC001_0115, 0xC001_0117,  // VM_CR, IGNNE, VM_HSAVE_PA
            0xC001_0010, 0xC001_0016, 0xC001_0112, 0xC001_0113,  // SYS_CFG, IORR, SMM_ADDR, SMM_MASK
            0x3A, 0x480, 0x79, 0xC001_0020,  // FEATURE_CONTROL, VMX_BASIC, microcode update of Intel and AMD
            0x200, 0x2FF, 0x3B, 0x6E0,  // MTRRs, TSC_ADJUST, TSC_DEADLINE
            0xC81, 0xC90, 0xD10, 0xC000_0200,  // cache allocation, bandwidth
            0x19A, 0x199, 0xC001_0062, 0x174 - 1,  // clock modulation, P-state control of Intel and AMD
            0x17, 0x10A, 0x10B, 0xCF, 0x122,  // PLATFORM_ID, capabilities, FLUSH_CMD, core capabilities, TSX_CTRL
            0x1D9, 0x38F, 0x186, 0x570, 0xCE,  // debug control, performance counters, tracing, platform information
            0x840, 0x7FF,
        ] as [UInt32]) func refused(msr: UInt32)
    {
        for vendor in [Vendor.amd, .intel] {
            #expect(MSRPolicy.lookup(msr, vendor) == nil && MSREmulation(msr, vendor) == nil)
        }
    }

    /// Whether the hypervisor answers for a register, by the list that guests are promised.
    private func isEmulated(_ msr: UInt32, _ vendor: Vendor) -> Bool {
        switch msr {
        case 0x1B, 0x830, 0x833...0x837: true  // APIC_BASE; x2APIC: ICR, thermal, performance, LINT0, LINT1, error
        case 0x82F: vendor == .intel  // x2APIC: CMCI
        case 0x4B56_4D00, 0x4B56_4D01, 0xC000_0080: true  // kvmclock, EFER
        case 0xC001_0000...0xC001_0007: vendor == .amd  // PERF_CTL0 to 3, PERF_CTR0 to 3
        case 0xC001_0015, 0xC001_001F, 0xC001_1029: vendor == .amd  // HWCR, NB_CFG1, DE_CFG
        default: false
        }
    }

    @Test func aVendorsRegistersAreItsOwn() {
        let amd: [(UInt32, MSREmulation)] = [
            (0xC001_0000, .legacyCounter), (0xC001_0003, .legacyCounter), (0xC001_0007, .legacyCounter),
            (0xC001_0015, .hardwareConfiguration), (0xC001_001F, .northbridgeConfiguration),
            (0xC001_1029, .decodeConfiguration),
        ]
        let intel: [(UInt32, MSREmulation)] = [(0x1A0, .miscellaneousEnable), (0x82F, .correctedMachineCheck)]
        for (msr, emulation) in amd {
            #expect(MSRPolicy.lookup(msr, .amd) == nil && MSREmulation(msr, .amd) == emulation)
            #expect(MSRPolicy.lookup(msr, .intel) == nil && MSREmulation(msr, .intel) == nil)
        }
        for (msr, emulation) in intel {
            #expect([nil, .readable].contains(MSRPolicy.lookup(msr, .intel)))
            #expect(MSREmulation(msr, .intel) == emulation)
            #expect(MSRPolicy.lookup(msr, .amd) == nil && MSREmulation(msr, .amd) == nil)
        }
        // Nothing in AMD's range is there for Intel's guests.
        for msr in 0xC001_0000...0xC001_1FFF as ClosedRange<UInt32> {
            #expect(MSRPolicy.lookup(msr, .intel) == nil && MSREmulation(msr, .intel) == nil)
        }
    }

    @Test(arguments: [Vendor.amd, .intel]) func theInterruptCommandIsCutOutOfThePassedThroughAPIC(vendor: Vendor) {
        for (msr, emulation) in [(0x830, .interruptCommand), (0x833, .localVector), (0x836, .localVector)]
            as [(UInt32, MSREmulation)]
        {
            #expect(MSRPolicy.lookup(msr, vendor) == nil && MSREmulation(msr, vendor) == emulation)
        }
        #expect(MSRPolicy.lookup(0x82E, vendor) == .readWrite)
        #expect(MSRPolicy.lookup(0x838, vendor) == .readWrite)
        #expect(MSRPolicy.lookup(0x831, vendor) == .readWrite)
        #expect(MSRPolicy.lookup(0x80B, vendor) == .readWrite)
        #expect(MSRPolicy.lookup(0x10, vendor) == .readOnly)
        #expect(MSRPolicy.lookup(0x49, vendor) == .writeOnly)
        #expect(MSRPolicy.lookup(0x277, vendor) == .readWrite)
    }

    /// What a permission bitmap is built from.
    @Test func theTableSaysWhichInstructionsPass() {
        var reads = 0
        var writes = 0
        for i in 0..<MSRPolicy.entries.count {
            let entry = MSRPolicy.entries[i]
            guard entry.rule != .readable else { continue }
            #expect(entry.exists(on: .amd) && entry.exists(on: .intel))
            let size = Int(entry.last - entry.first) + 1
            reads += entry.rule.reads ? size : 0
            writes += entry.rule.writes ? size : 0
        }
        #expect(MSRRule.readable.reads && !MSRRule.readable.writes)
        let both = 1 + 3 + 1 + 57 + 4 + 4  // SPEC_CTRL, SYSENTER, PAT, x2APIC, SYSCALL, bases and TSC_AUX
        #expect(reads == both + 1)  // TSC
        #expect(writes == both + 1)  // PRED_CMD
    }

    @Test func eferHidesAndKeepsTheHypervisorsBit() {
        let running: UInt64 = 0x1D01  // SVME, NXE, LMA, LME, SCE
        #expect(EFERPolicy.written(0xD01, current: running, paging: true, .amd) == running)
        #expect(EFERPolicy.written(0x501, current: running, paging: true, .amd) == 0x1501)
        #expect(EFERPolicy.written(0x1D01, current: running, paging: true, .amd) == nil)
        // Leaving long mode while paging.
        #expect(EFERPolicy.written(0xC01, current: running, paging: true, .amd) == nil)
        #expect(EFERPolicy.written(0x100, current: 0x1000, paging: false, .amd) == 0x1100)
        #expect(EFERPolicy.written(0x500, current: 0x1000, paging: false, .amd) == 0x1100)  // LMA is not the guest's
        for bit in 0..<64 as Range<UInt64> where ![0, 8, 10, 11, 14].contains(bit) {
            #expect(EFERPolicy.written(1 << bit, current: 0x1000, paging: false, .amd) == nil)
        }
    }

    /// Intel SDM volume 3A, section 2.2.1: SCE, LME, LMA, NXE and no others; a further bit would end the next VM entry.
    @Test func eferOfIntelHasNoFastFXSR() {
        #expect(EFERPolicy.written(0xD01, current: 0xD01, paging: true, .intel) == 0xD01)
        #expect(EFERPolicy.written(0x901, current: 0, paging: false, .intel) == 0x901)
        for bit in 0..<64 as Range<UInt64> where ![0, 8, 10, 11].contains(bit) {
            #expect(EFERPolicy.written(1 << bit, current: 0, paging: false, .intel) == nil)
        }
    }

    /// SDM volume 3A, section 11.4.4 (10.4.4 in editions before 2023); APM volume 2, section 16.3.1.
    @Test(arguments: [0xFEE0_0C00, 0xFEE0_0D00] as [UInt64]) func theBootstrapProcessorIsVCPU0(native: UInt64) {
        #expect(MSREmulation.apicBase(native, vcpu: 0, .x2APIC) == 0xFEE0_0D00)
        for vcpu in 1..<16 { #expect(MSREmulation.apicBase(native, vcpu: vcpu, .x2APIC) == 0xFEE0_0C00) }
        #expect(MSREmulation.apicBase(native, vcpu: 0, .off) == 0xFEE0_0100)
        #expect(MSREmulation.apicBase(native, vcpu: 1, .xAPIC) == 0xFEE0_0800)
        for vendor in [Vendor.amd, .intel] {
            #expect(MSRPolicy.lookup(0x1B, vendor) == nil && MSREmulation(0x1B, vendor) == .apicBase)
        }
    }

    /// SDM volume 3A, figure 11-9 and section 11.12.5: the transitions that do not fault, by bits 11:10 before and after.
    @Test func apicModesFollowTheManual() {
        let valid: Set<[UInt64]> = [[0, 0], [0, 2], [2, 0], [2, 2], [2, 3], [3, 0], [3, 3]]
        for from in [0, 2, 3] as [UInt64] {
            for to in 0..<4 as Range<UInt64> {
                let mode = APICMode.written(0xFEE0_0100 | to << 10, current: 0xFEE0_0100 | from << 10)
                #expect(mode == (valid.contains([from, to]) ? APICMode(rawValue: to) : nil), "\(from) to \(to)")
            }
            // The address, the bootstrap bit and what is reserved stay.
            for bit in 0..<64 as Range<UInt64> where bit != 10 && bit != 11 {
                let current = 0xFEE0_0100 | from << 10
                #expect(APICMode.written(current ^ 1 << bit, current: current) == nil)
                #expect(APICMode.written((current ^ 1 << bit) & ~0xC00, current: current) == nil)
            }
        }
    }

    @Test func constants() {
        #expect(MSREmulation.hardwareConfiguration.constant == 1 << 24)
        #expect(MSREmulation.northbridgeConfiguration.constant == 0)
        #expect(MSREmulation.decodeConfiguration.constant == 2)
        #expect(MSREmulation.correctedMachineCheck.constant == 0x1_0000)
        #expect(MSREmulation.legacyCounter.constant == 0)
        #expect(MSREmulation.efer.constant == nil)
    }
}

extension MSRPolicy {
    /// The rule for one register on a processor of `vendor`; nil for one that is refused or answered.
    static func lookup(_ msr: UInt32, _ vendor: Vendor) -> MSRRule? {
        for i in entries.indices where entries[i].first...entries[i].last ~= msr && entries[i].exists(on: vendor) {
            return entries[i].rule
        }
        return nil
    }
}
