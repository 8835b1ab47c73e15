/// Why a guest trapped into the hypervisor, in vendor-neutral words. The raw value is the index of its counter.
public enum ExitReason: UInt8, Sendable {
    case cpuid = 0
    case msr = 1
    case port = 2
    /// A write to the x2APIC interrupt command register: an IPI.
    case icr = 3
    case nestedPageFault = 4
    /// The kick by which another core gets this core's attention.
    case nmi = 5
    case hypercall = 6
    case halt = 7
    /// INIT or start-up IPI of a secondary vCPU.
    case initSipi = 8
    case shutdown = 9
    /// A privileged instruction that guests are refused: VMRUN, MONITOR, RDPMC, ...
    case refusedInstruction = 10
    case cacheControl = 11
    case exception = 12
    case other = 13
    /// The partition's device model is through with what an exit of the guest's wanted of it: one more world switch.
    case deviceModel = 14
    public static let count = 15
}
