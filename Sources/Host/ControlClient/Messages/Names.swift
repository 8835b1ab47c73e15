import Control

// The words for tables, reports and messages; stable, since programs read them.

extension PartitionState {
    public var name: String {
        switch self {
        case .stopped: "stopped"
        case .starting: "starting"
        case .running: "running"
        case .paused: "paused"
        case .stopping: "stopping"
        case .crashed: "crashed"
        }
    }
}

extension StateCause {
    public var name: String {
        switch self {
        case .manifest: "manifest"
        case .manager: "manager"
        case .poweroff: "poweroff"
        case .reboot: "reboot"
        case .tripleFault: "triple fault"
        case .violation: "violation"
        case .hypervisorFault: "hypervisor fault"
        case .badImage: "bad image"
        case .panic: "panic"
        case .machineCheck: "machine check"
        case .coreLost: "core lost"
        case .physicalFunction: "physical function"
        case .functionLost: "function lost"
        case .watchdog: "watchdog"
        case .restartLimit: "restart limit"
        case .attack: "attack"
        }
    }
}

extension ControlStatus {
    public var name: String {
        switch self {
        case .ok: "ok"
        case .malformed: "malformed"
        case .oversized: "oversized"
        case .unknownOperation: "unknown operation"
        case .unknownPartition: "unknown partition"
        case .notPermitted: "not permitted"
        case .wrongState: "wrong state"
        case .busy: "busy"
        case .unsupportedVersion: "unsupported version"
        case .failed: "failed"
        case .linkDown: "link down"
        case .noAnswer: "no answer"
        }
    }
}

extension ExitReason {
    public var name: String {
        switch self {
        case .cpuid: "cpuid"
        case .msr: "msr"
        case .port: "port"
        case .icr: "icr"
        case .nestedPageFault: "nested_page_fault"
        case .nmi: "nmi"
        case .hypercall: "hypercall"
        case .halt: "halt"
        case .initSipi: "init_sipi"
        case .shutdown: "shutdown"
        case .refusedInstruction: "refused_instruction"
        case .cacheControl: "cache_control"
        case .exception: "exception"
        case .other: "other"
        case .deviceModel: "device_model"
        }
    }
}

extension ControlEvent.Kind {
    public var name: String {
        switch self {
        case .state: "state"
        case .fault: "fault"
        case .device: "device"
        case .attack: "attack"
        }
    }
}
