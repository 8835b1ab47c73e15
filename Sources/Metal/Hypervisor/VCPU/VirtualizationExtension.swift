import Records
import X86

/// What a kind of processor offers a hypervisor: AMD's SVM or Intel's VMX. Everything is specialised at compile time.
protocol VirtualizationExtension {
    /// One vCPU on such a processor.
    associatedtype CPU: VirtualCPU
    /// The page tables behind guest-physical addresses.
    associatedtype Nested: PageTableFormat
    static var vendor: Vendor { get }
    /// Throws the name of what the processor lacks.
    static func requireProcessor() throws(Refusal)
    /// Whether `Nested` may have 1 GiB pages.
    static var hasHugeNestedPages: Bool { get }
    /// The memory type of the run of physical memory that starts at an address, and where that run, or `limit`, ends.
    static func memoryRun(from address: UInt64, limit: UInt64) -> (type: MemoryType, end: UInt64)
    /// Which bit of the MSR permission map lets an instruction through when it is clear; nil where every access exits.
    static func permissionBit(_ msr: UInt32, write: Bool) -> Int?

    /// Switches the current core to root mode; every core does this once.
    static func enable(core: borrowing CoreLayout) throws(Refusal)
    /// Lets nothing interrupt the hypervisor from here on, or lets interrupts through again, on processors that can hold
    /// back even NMIs (SVM's global interrupt flag).
    static func disableGlobalInterrupts()
    static func enableGlobalInterrupts()
    /// Halts until an NMI, unless a kick has come since the last look.
    /// - Parameter interruptible: whether an interrupt of the core ends it too: no guest's may be pending.
    static func idle(_ core: borrowing CoreLayout, interruptible: Bool)
    /// Writes the registers of this core's vCPU into a crash record.
    static func record(guestOf core: borrowing CoreLayout, in record: inout CrashRecord)
    /// Writes down what a crash record does not have of a state that the processor did not enter.
    static func recordInvalidState(_ core: borrowing CoreState)
}
