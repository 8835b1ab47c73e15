import X86

// Exit codes (AMD64 APM volume 2, appendix C) into the words that both vendors share.
extension SVM {
    func decode(_ code: UInt64) -> Exit {
        switch code {
        case ExitCode.cpuid: return .cpuid
        case ExitCode.msr: return self[VMCB.exitInfo1] & 1 == 0 ? .readMSR : .writeMSR
        case ExitCode.port:
            let info = self[VMCB.exitInfo1]  // section 15.10.2
            return .port(
                number: UInt16(truncatingIfNeeded: info >> 16), size: UInt8(truncatingIfNeeded: info >> 4 & 7),
                isInput: info & 1 != 0, string: info & 4 != 0, next: self[VMCB.exitInfo2])
        case ExitCode.nestedPageFault:
            return .nestedPageFault(address: self[VMCB.exitInfo2], isWrite: self[VMCB.exitInfo1] & 2 != 0)
        case ExitCode.exceptionFirst + UInt64(Vector.debug): return .exception(Vector.debug, error: nil)
        case ExitCode.exceptionFirst + UInt64(Vector.alignmentCheck): return .exception(Vector.alignmentCheck, error: 0)
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
