import Control
import Silicon
import Text
import X86

/// Errors that the silicon itself reports (SDM volume 3B, chapter 16; AMD64 APM volume 2, chapter 9). An error in memory is the
/// concern of whoever owns the address, where it is known, and every other one of the partition whose core sees it.
enum MachineCheck {
    /// CR4.MCE where there are machine checks (CPUID 1 EDX bits 7 and 14), else 0: with it they are exceptions, without it
    /// they shut the machine down.
    static var enableBit: UInt64 {
        let both: UInt32 = 1 << 7 | 1 << 14
        return cpu_cpuid(1, 0).edx & both == both ? CR4.machineCheckEnable : 0
    }
    /// Whether one has been raised that nobody has handled yet (MCG_STATUS.MCIP).
    static var isUnderWay: Bool { enableBit != 0 && cpu_rdmsr(MachineCheckRegisters.status) & 1 << 2 != 0 }

    /// One in root mode: whether the core may go on as if nothing had been. A core without a partition does wherever it can.
    @inline(never)
    static func isBearable(_ partition: Pointer<PartitionContext>?) -> Bool {
        // The same vector as an interrupt: a guest's, which the last of its core's cleaning finds still pending.
        guard isUnderWay else {
            cpu_wrmsr(MSR.x2apicEOI, 0)
            return true
        }
        let most = partition == nil ? MachineCheckStatus.Severity.uncorrected : .corrected
        return take(partition).rawValue <= most.rawValue
    }

    /// Says on the partition's log, or the machine's, what this core's banks hold; the worst of it, which is also that the
    /// interrupted program cannot go on (MCG_STATUS.RIPV is clear). Banks are cleared: an error that stays in one makes the next
    /// there one without an address.
    static func take(_ partition: Pointer<PartitionContext>?) -> MachineCheckStatus.Severity {
        guard enableBit != 0 else { return .none }
        let global = cpu_rdmsr(MachineCheckRegisters.status), capability = cpu_rdmsr(MachineCheckRegisters.capability)
        var worst = global & 5 == 4 ? MachineCheckStatus.Severity.contextCorrupt : .none, foreign: UInt32 = 0
        for index in 0..<MachineCheckRegisters.bankCount(capability) {
            let bank = MachineCheckRegisters.bank(index)
            let status = MachineCheckStatus(rawValue: cpu_rdmsr(bank + 1))
            guard status.isValid else { continue }
            var line = LogLine("bulkhead: machine check: ")
            line.write("core %d, bank %d, status %x", UInt64(LocalAPIC.id), UInt64(index), status.rawValue)
            var isOwn = true
            if status.hasAddress {
                let address = cpu_rdmsr(bank + 2)
                line.write(", address %x", address)
                // MCi_MISC exists where its bit of the status says so.
                let misc = status.hasMisc ? cpu_rdmsr(bank + 3) : 0
                if status.severity == .uncorrected,
                    let memory = status.physicalAddress(address, misc: misc, capability: capability)
                {
                    isOwn = isMapped(memory)
                    if !isOwn { line.write(", in memory of another partition or of none") }
                }
            }
            if let partition { partition.value.controlPage.print(line) } else { SerialPort.log.print(line) }
            guard isOwn else {
                foreign |= 1 << index
                continue
            }
            if status.severity.rawValue > worst.rawValue { worst = status.severity }
            cpu_wrmsr(bank + 1, 0)
        }
        cpu_wrmsr(MachineCheckRegisters.status, 0)
        // Their owner's cores may see the same banks, and have a moment to do so.
        for _ in 0..<(foreign == 0 ? 0 : 20_000) { cpu_pause() }
        for index in UInt32(0)..<32 where foreign >> index & 1 != 0 {
            cpu_wrmsr(MachineCheckRegisters.bank(index) + 1, 0)
        }
        return worst
    }

    /// Whether this core's instance knows the memory: its partition's, its own, the program.
    private static func isMapped(_ address: UInt64) -> Bool {
        PageTable<LongModeFormat>(root: cpu_read_cr3()).translate(address) != nil
    }
}

extension ExitContext {
    /// One while the guest ran. What was corrected it need not know, and goes on with `next`; else its partition ends.
    mutating func machineCheck(_ next: ExitOutcome = .resume) -> ExitOutcome {
        guard MachineCheck.take(partition).rawValue >= MachineCheckStatus.Severity.uncorrected.rawValue else {
            return next
        }
        return .end(.machineCheck)
    }
}
