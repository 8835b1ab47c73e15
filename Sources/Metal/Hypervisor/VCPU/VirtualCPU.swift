import Platform
import Synchronization
import X86

/// Why the guest stopped, decoded once by the vendor's backend into words that both vendors share.
enum Exit {
    case cpuid
    case readMSR
    case writeMSR
    /// `next` is the address behind the instruction.
    case port(PortAccess, next: UInt64)
    /// A guest-physical address that the partition's memory does not have.
    case nestedPageFault(address: UInt64, isFetch: Bool)
    /// An exception on its way to the guest.
    case exception(UInt8, error: UInt32?)
    /// The silicon has found an error of its own.
    case machineCheck
    /// The instruction that `stepOver` let run is done.
    case stepped
    case nmi
    /// The firmware's system management mode is due.
    case smi
    case hypercall
    case shutdown
    case initSignal
    /// An instruction that guests are refused.
    case refusedInstruction
    /// RDPMC and what else silicon answers with #GP(0) when it is not allowed.
    case protectedInstruction
    case cacheControl
    /// XSETBV, which not every processor lets a guest execute.
    case setExtendedControl
    /// What concerns the processor's own bookkeeping alone and is done.
    case settled
    /// The processor does not enter the state that the guest is in.
    case invalidState
    /// The processor's own code of an exit that nothing should cause.
    case unexpected(UInt64)
}

/// A virtual processor: the state of one vCPU as the exit handlers see it. One implementation a vendor; everything is
/// specialised at compile time.
protocol VirtualCPU {
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
    /// ScratchPages interrupts the hypervisor from here on, or may again: on processors that can hold even NMIs back.
    static func holdInterrupts()
    static func allowInterrupts()
    /// Sleeps until an NMI, unless one has come that nobody has looked after.
    static func idle(_ core: borrowing CoreLayout)

    init(core: borrowing CoreLayout, maps: PermissionMaps, nested: NestedRoots, addressSpace: UInt32)
    /// Enters the guest until it exits.
    mutating func run() -> Exit
    /// A processor without state: all registers zero, those that the control block keeps and those that only it has.
    mutating func clear()
    /// Puts the processor at the first instruction of the partition's loader, in 32-bit protected mode with flat segments and
    /// without paging; it sees the images.
    mutating func resetToLoader()
    /// From the next entry on the guest sees its own memory alone.
    mutating func endLoader()
    /// Whether the guest is the loader.
    var isLoading: Bool { get }
    /// Puts the processor where a start-up IPI with this vector has it (real mode, CS = vector << 8).
    mutating func reset(startUp vector: UInt8)

    /// Where the guest's `guest_registers` lie.
    var registers: UInt64 { get }
    var nested: NestedRoots { get }
    var rax: UInt64 { get set }
    var rip: UInt64 { get set }
    /// The processor's own code of the latest exit.
    var exitCode: UInt64 { get }
    var cr4: UInt64 { get }
    /// CR0.PG.
    var hasPaging: Bool { get }
    /// Ticks by which the guest's time-stamp counter is behind the core's.
    var clockLag: UInt64 { get nonmutating set }
    /// EFER as the guest sees it.
    var efer: UInt64 { get set }
    /// Goes on behind the instruction that exited, which has `length` bytes where the processor does not tell.
    mutating func skip(_ length: UInt64)
    /// Raises an exception at the instruction that exited.
    mutating func raise(_ vector: UInt8, error: UInt32?)
    mutating func injectNMI()
    /// Runs the one instruction that exited again, on a bus where nobody claims what is outside the partition's memory: it
    /// reads ones there, and what it writes is gone.
    mutating func stepOver()
    /// Says what of the state the processor did not take.
    func describeInvalidState(to line: inout LogLine)
    /// Takes the NMI or SMI that ended the guest's run, so that the next one can come.
    mutating func takePending()
}

// What neither processor keeps in its control block.
extension VirtualCPU {
    var rbx: UInt64 {
        @inline(__always) get { load(registers) }
        @inline(__always) set { store(newValue, registers) }
    }
    var rcx: UInt64 {
        @inline(__always) get { load(registers &+ 8) }
        @inline(__always) set { store(newValue, registers &+ 8) }
    }
    var rdx: UInt64 {
        @inline(__always) get { load(registers &+ 16) }
        @inline(__always) set { store(newValue, registers &+ 16) }
    }
}
