// The manual's names of the controls, for refusals (Intel SDM volume 3C, sections 25.6 to 25.8).

extension PinControl {
    static func name(of bit: UInt32) -> StaticString {
        switch bit {
        case externalInterruptExiting: "external-interrupt exiting"
        case nmiExiting: "NMI exiting"
        case virtualNMIs: "virtual NMIs"
        case preemptionTimer: "activate VMX-preemption timer"
        case postedInterrupts: "process posted interrupts"
        default: "a reserved pin-based control"
        }
    }
}

extension ProcessorControl {
    static func name(of bit: UInt32) -> StaticString {
        switch bit {
        case interruptWindowExiting: "interrupt-window exiting"
        case tscOffsetting: "use TSC offsetting"
        case hltExiting: "HLT exiting"
        case invlpgExiting: "INVLPG exiting"
        case mwaitExiting: "MWAIT exiting"
        case rdpmcExiting: "RDPMC exiting"
        case rdtscExiting: "RDTSC exiting"
        case cr3LoadExiting: "CR3-load exiting"
        case cr3StoreExiting: "CR3-store exiting"
        case tertiaryControls: "activate tertiary controls"
        case cr8LoadExiting: "CR8-load exiting"
        case cr8StoreExiting: "CR8-store exiting"
        case tprShadow: "use TPR shadow"
        case nmiWindowExiting: "NMI-window exiting"
        case movDRExiting: "MOV-DR exiting"
        case unconditionalIOExiting: "unconditional I/O exiting"
        case ioBitmaps: "use I/O bitmaps"
        case monitorTrapFlag: "monitor trap flag"
        case msrBitmaps: "use MSR bitmaps"
        case monitorExiting: "MONITOR exiting"
        case pauseExiting: "PAUSE exiting"
        case secondaryControls: "activate secondary controls"
        default: "a reserved primary processor-based control"
        }
    }
}

extension SecondaryControl {
    static func name(of bit: UInt32) -> StaticString {
        switch bit {
        case virtualizeAPICAccesses: "virtualize APIC accesses"
        case ept: "enable EPT"
        case descriptorTableExiting: "descriptor-table exiting"
        case rdtscp: "enable RDTSCP"
        case virtualizeX2APIC: "virtualize x2APIC mode"
        case vpid: "enable VPID"
        case wbinvdExiting: "WBINVD exiting"
        case unrestrictedGuest: "unrestricted guest"
        case apicRegisterVirtualization: "APIC-register virtualization"
        case virtualInterruptDelivery: "virtual-interrupt delivery"
        case pauseLoopExiting: "PAUSE-loop exiting"
        case rdrandExiting: "RDRAND exiting"
        case invpcid: "enable INVPCID"
        case vmFunctions: "enable VM functions"
        case vmcsShadowing: "VMCS shadowing"
        case enclsExiting: "enable ENCLS exiting"
        case rdseedExiting: "RDSEED exiting"
        case pageModificationLogging: "enable PML"
        case eptViolationException: "EPT-violation #VE"
        case concealFromTrace: "conceal VMX from PT"
        case xsaves: "enable XSAVES/XRSTORS"
        case modeBasedExecute: "mode-based execute control for EPT"
        case tscScaling: "use TSC scaling"
        case userWait: "enable user wait and pause"
        default: "a reserved secondary processor-based control"
        }
    }
}

extension ExitControl {
    static func name(of bit: UInt32) -> StaticString {
        switch bit {
        case saveDebugControls: "save debug controls"
        case hostAddressSpaceSize: "host address-space size"
        case loadPerformanceControl: "load IA32_PERF_GLOBAL_CTRL"
        case acknowledgeInterrupt: "acknowledge interrupt on exit"
        case savePAT: "save IA32_PAT"
        case loadPAT: "load IA32_PAT"
        case saveEFER: "save IA32_EFER"
        case loadEFER: "load IA32_EFER"
        case savePreemptionTimer: "save VMX-preemption timer value"
        case clearBoundConfiguration: "clear IA32_BNDCFGS"
        case concealFromTrace: "conceal VMX from PT"
        case secondaryControls: "activate secondary controls"
        default: "a reserved VM-exit control"
        }
    }
}

extension EntryControl {
    static func name(of bit: UInt32) -> StaticString {
        switch bit {
        case loadDebugControls: "load debug controls"
        case ia32eModeGuest: "IA-32e mode guest"
        case entryToSMM: "entry to SMM"
        case deactivateDualMonitor: "deactivate dual-monitor treatment"
        case loadPerformanceControl: "load IA32_PERF_GLOBAL_CTRL"
        case loadPAT: "load IA32_PAT"
        case loadEFER: "load IA32_EFER"
        case loadBoundConfiguration: "load IA32_BNDCFGS"
        case concealFromTrace: "conceal VMX from PT"
        default: "a reserved VM-entry control"
        }
    }
}
