import Platform
import X86

// Exit codes (AMD64 APM volume 2, appendix C) into the words that both vendors share.
extension SVMCPU {
    @inline(__always)
    mutating func decode(_ code: UInt64) -> GuestExit {
        if code == ExitCode.cpuid { return .cpuid }
        if code == ExitCode.msr { return self[VMCB.exitInfo1] & 1 == 0 ? .readMSR : .writeMSR }
        if code == ExitCode.port {
            // Section 15.10.2, figure 15-2, is the layout of `PortAccess`.
            let access = PortAccess(rawValue: UInt32(truncatingIfNeeded: self[VMCB.exitInfo1]))
            return .port(access, next: self[VMCB.exitInfo2])
        }
        return .rare
    }

    @inline(__always)
    mutating func decodeRare() -> RareExit {
        // The address behind such an instruction, which its delivery saves, is not known: it runs again.
        if self[VMCB.eventInjection] != 0, interruptedEvent.isSoftware { self[VMCB.eventInjection] = 0 }
        let code = self[VMCB.exitCode]
        switch code {
        case ExitCode.nestedPageFault:
            let code = self[VMCB.exitInfo1]  // as a page fault's error code (section 15.25.6)
            return .nestedPageFault(
                address: self[VMCB.exitInfo2], isFetch: code & 1 << 4 != 0, isWrite: code & 1 << 1 != 0)
        case ExitCode.nmi: return .nmi
        case ExitCode.smi: return .hostInterrupt
        case ExitCode.vmmcall: return .hypercall
        case ExitCode.iret:
            // In a shadow, and again where its stack is in memory that nobody claims: then a kick would never be seen.
            leaveNMI()
            return .hostInterrupt
        case ExitCode.halt:
            // What waits wakes it.
            skip(1)
            return .answered
        case ExitCode.exceptionFirst + UInt64(Vector.machineCheck): return .machineCheck
        case ExitCode.exceptionFirst..<ExitCode.exceptionFirst + 32: return exception(UInt8(code & 31))
        // CR0.NE is clear, and no interrupt controller is there that would answer: the exception, as on Intel's processors.
        case ExitCode.ferrFreeze: return .exception(Vector.floatingPoint, error: nil)
        case ExitCode.shutdown: return .shutdown
        case ExitCode.initSignal: return .initSignal
        case ExitCode.rdpmc: return .protectedInstruction
        case ExitCode.vmrun, ExitCode.vmload...ExitCode.skinit, ExitCode.invlpga, ExitCode.monitor, ExitCode.mwait,
            ExitCode.rdpru, ExitCode.rsm:
            return .refusedInstruction
        case ExitCode.invd, ExitCode.wbinvd: return .cacheControl
        case _ where ExitCode.isInvalid(code): return .invalidState
        case _ where ExitCode.isGuarded(code): return .guardedInstruction
        default: return .unexpected(code)
        }
    }

    /// Section 15.12: the error code is in EXITINFO1, a page fault's address in EXITINFO2 and not yet in CR2.
    @inline(never)
    private mutating func exception(_ vector: UInt8) -> RareExit {
        step = SingleStep()
        if vector == Vector.pageFault { self[VMCB.cr2] = self[VMCB.exitInfo2] }
        return .exception(
            vector, error: Vector.hasError(vector) ? UInt32(truncatingIfNeeded: self[VMCB.exitInfo1]) : nil)
    }
}
