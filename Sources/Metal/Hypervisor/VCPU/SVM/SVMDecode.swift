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
        if isSingleStepDone {
            isSingleStepDone = false
            return .singleStepDone
        }
        let code = self[VMCB.exitCode]
        switch code {
        case ExitCode.nestedPageFault:
            let code = self[VMCB.exitInfo1]  // as a page fault's error code (section 15.25.6)
            return .nestedPageFault(
                address: self[VMCB.exitInfo2], isFetch: code & 1 << 4 != 0, isWrite: code & 1 << 1 != 0)
        case ExitCode.exceptionFirst + UInt64(Vector.debug): return .exception(Vector.debug, error: nil)
        case ExitCode.exceptionFirst + UInt64(Vector.alignmentCheck): return .exception(Vector.alignmentCheck, error: 0)
        case ExitCode.exceptionFirst + UInt64(Vector.machineCheck): return .machineCheck
        case ExitCode.nmi: return .nmi
        case ExitCode.smi: return .smi
        case ExitCode.vmmcall: return .hypercall
        case ExitCode.shutdown: return .shutdown
        case ExitCode.initSignal: return .initSignal
        case ExitCode.rdpmc: return .protectedInstruction
        case ExitCode.vmrun, ExitCode.vmload...ExitCode.skinit, ExitCode.invlpga, ExitCode.monitor, ExitCode.mwait,
            ExitCode.rdpru, ExitCode.rsm:
            return .refusedInstruction
        case ExitCode.invd, ExitCode.wbinvd: return .cacheControl
        case ExitCode.invalid: return .invalidState
        default: return .unexpected(code)
        }
    }
}
