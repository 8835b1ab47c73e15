import Platform
import Silicon
import X86

// Exits, section 27.2 and appendix C, into the words that both vendors share.
extension VMXCPU {
    @inline(__always)
    mutating func decode(_ reason: VMXExitReason) -> GuestExit {
        switch reason.rawValue {
        case UInt32(VMXExit.cpuid): return .cpuid
        case UInt32(VMXExit.rdmsr): return .readMSR
        case UInt32(VMXExit.wrmsr): return .writeMSR
        case UInt32(VMXExit.io):
            return .port(PortAccess(qualification: self[VMCSField.exitQualification]), next: next)
        default: return .rare
        }
    }

    @inline(__always)
    mutating func decodeRare() -> RareExit {
        switch entryResult {
        case 0: break
        // The number of the error is put above the exit reasons (section 30.4).
        case 1: return .unexpected(self[VMCSField.instructionError] << 32)
        default: return .nmi
        }
        let reason = VMXExitReason(rawValue: UInt32(truncatingIfNeeded: self[VMCSField.exitReason]))
        if reason.basic == VMXExit.entryMachineCheck { return .machineCheck }
        if reason.isEntryFailure { return .invalidState }
        // An entry with the trap flag in a shadow demands that the trap is pending (section 26.3.1.5), which most exits do not
        // write down.
        if self[VMCSField.guestInterruptibility] & Self.shadow != 0, self[VMCSField.guestRFLAGS] & RFLAGS.trap != 0 {
            self[VMCSField.guestPendingDebug] |= DR6.singleStep
        }
        switch reason.basic {
        case VMXExit.eptViolation: return eptViolation()
        case VMXExit.exceptionOrNMI: return exception()
        case VMXExit.nmiWindow:
            closeNMIWindow()
            return .answered
        case VMXExit.preemptionTimer: return .nmi
        case VMXExit.controlRegister: return controlRegister()
        case VMXExit.vmcall: return .hypercall
        case VMXExit.tripleFault: return .shutdown
        case VMXExit.initSignal: return .initSignal
        case VMXExit.xsetbv: return .setExtendedControl
        case VMXExit.rdpmc: return .protectedInstruction
        case VMXExit.invd, VMXExit.wbinvd: return .cacheControl
        case VMXExit.vmclear...VMXExit.vmxon, VMXExit.getsec, VMXExit.invept, VMXExit.invvpid, VMXExit.vmfunc,
            VMXExit.monitor, VMXExit.mwait, VMXExit.seamcall, VMXExit.tdcall:
            return .refusedInstruction
        default: return .unexpected(UInt64(reason.rawValue))
        }
    }

    private func eptViolation() -> RareExit {
        let violation = EPTViolation(rawValue: self[VMCSField.exitQualification])
        // An IRET that could not read its stack has ended the blocking of NMIs all the same (section 27.2.3).
        if violation.unblockedNMIs, self[VMCSField.idtVectoringInfo] & 1 << 31 == 0 {
            self[VMCSField.guestInterruptibility] |= Self.blockingByNMI
        }
        return .nestedPageFault(
            address: self[VMCSField.guestPhysicalAddress], isFetch: violation.isFetch, isWrite: violation.isWrite)
    }

    private mutating func exception() -> RareExit {
        let event = InterruptionInfo(rawValue: UInt32(truncatingIfNeeded: self[VMCSField.exitInterruptionInfo]))
        if event.kind == .nmi { return .nmi }
        if event.vector == Vector.machineCheck { return .machineCheck }
        if event.vector == Vector.debug { prepareDebugException(event) }
        step = SingleStep()
        if event.vector == Vector.pageFault { cpu_write_cr2(self[VMCSField.exitQualification]) }
        let error = event.hasError ? UInt32(truncatingIfNeeded: self[VMCSField.exitInterruptionError]) : nil
        return .exception(event.vector, error: error)
    }

    /// The exit came before DR6 and DR7 took the exception's effects (section 27.1): they are made up for here.
    private mutating func prepareDebugException(_ event: InterruptionInfo) {
        // INT1 is a trap: the handler returns behind it, and finds DR6 as it was (SDM volume 2, INT1).
        if event.kind == .privilegedException {
            rip = next
        } else {
            cpu_write_dr6(cpu_read_dr6() & ~0xF | step.own(self[VMCSField.exitQualification]))
        }
        self[VMCSField.guestDR7] &= ~(1 << 13)
        endShadow()
    }

    /// A write that changes bits which are the hypervisor's. What the guest may change it does itself: its own bits of CR0
    /// become the ones to compare with, and the instruction runs again, now without an exit.
    private mutating func controlRegister() -> RareExit {
        let access = ControlRegisterAccess(rawValue: self[VMCSField.exitQualification])
        guard access.isMoveToCR0 else { return .protectedInstruction }
        let value = general(access.register)
        guard value & (CR0.notWriteThrough | CR0.cacheDisable) != CR0.notWriteThrough else {
            return .protectedInstruction
        }
        self[VMCSField.cr0Shadow] = value & VMX.ownedCR0
        // The trap of a guest that steps itself comes when it has run, and not before as Bochs has it.
        if self[VMCSField.guestInterruptibility] & Self.shadow == 0 { self[VMCSField.guestPendingDebug] = 0 }
        return .answered
    }
}
