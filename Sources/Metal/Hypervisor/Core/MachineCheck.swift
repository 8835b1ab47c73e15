import Control
import Silicon
import Synchronization
import Text
import X86

/// Errors that the silicon itself reports (SDM volume 3B, chapter 16; AMD64 APM volume 2, chapter 9). They are the
/// concern of the partition whose core sees them, and of no other.
enum MachineCheck {
    private static let capability: UInt32 = 0x179
    private static let globalStatus: UInt32 = 0x17A
    private static let firstStatus: UInt32 = 0x401

    /// CR4.MCE where there are machine checks (CPUID 1 EDX bits 7 and 14), else 0: with it they are exceptions, without it
    /// they shut the machine down.
    static var enableBit: UInt64 {
        let both: UInt32 = 1 << 7 | 1 << 14
        return cpu_cpuid(1, 0).edx & both == both ? CR4.machineCheckEnable : 0
    }
    /// Whether one has been raised that nobody has looked after (MCG_STATUS.MCIP).
    static var isUnderWay: Bool { enableBit != 0 && cpu_rdmsr(globalStatus) & 1 << 2 != 0 }

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

    /// Says on the partition's log, or the machine's, what this core's banks hold, and clears them; the worst of it, which
    /// is also that the interrupted program cannot go on (MCG_STATUS.RIPV is clear).
    static func take(_ partition: Pointer<PartitionContext>?) -> MachineCheckStatus.Severity {
        guard enableBit != 0 else { return .none }
        let global = cpu_rdmsr(globalStatus)
        var worst = global & 5 == 4 ? MachineCheckStatus.Severity.contextCorrupt : .none
        for bank in 0..<UInt32(min(cpu_rdmsr(capability) & 0xFF, 32)) {
            let status = MachineCheckStatus(rawValue: cpu_rdmsr(firstStatus + bank * 4))
            guard status.isValid else { continue }
            if status.severity.rawValue > worst.rawValue { worst = status.severity }
            var line = LogLine("bulkhead: machine check: core ")
            line.write(decimal: UInt64(LocalAPIC.id))
            line.write(", bank ")
            line.write(decimal: UInt64(bank))
            line.write(", status ")
            line.write(hexadecimal: status.rawValue)
            if status.hasAddress {
                line.write(", address ")
                line.write(hexadecimal: cpu_rdmsr(firstStatus + bank * 4 + 1))
            }
            if let partition { partition.value.controlPage.value.print(line) } else { SerialPort.log.print(line) }
            cpu_wrmsr(firstStatus + bank * 4, 0)
        }
        cpu_wrmsr(globalStatus, 0)
        return worst
    }
}

extension Lifecycle {
    /// One while the guest ran. What was corrected it need not know; else its partition ends.
    func machineCheck(_ core: borrowing CoreState) -> ExitOutcome {
        guard MachineCheck.take(partition).rawValue >= MachineCheckStatus.Severity.uncorrected.rawValue else {
            return .resume
        }
        return .end(.machineCheck)
    }
}
