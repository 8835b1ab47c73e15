import Silicon
import Watch
import X86

/// What a vCPU is given for good, whoever made the processor.
struct VCPUMeans {
    /// Where those are that its control block does not hold.
    let registers: UInt64
    let maps: PermissionMaps
    let nested: NestedRoots
    /// The tag of its translations.
    let addressSpace: UInt32
}

/// The state of one vCPU as the exit handlers see it. One implementation a vendor.
protocol VirtualCPU {
    /// - Parameter block: its control block.
    init(core: borrowing CoreLayout, block: UInt64, _ means: VCPUMeans)
    /// From here on the core's one that is entered, read and written.
    func makeCurrent()
    /// Enters the guest until it exits.
    mutating func run() -> GuestExit
    /// What a `rare` exit was, once.
    mutating func decodeRare() -> RareExit
    /// A processor without state: all registers zero, those that the control block keeps and those that only it has.
    mutating func clear()
    /// `attributes` as SVM packs them.
    func segment(_ segment: Segment, selector: UInt16, _ attributes: UInt16, limit: UInt32, base: UInt64)
    /// Long mode, by the tables at `root`.
    mutating func enterLongMode(_ root: UInt64)
    /// From the next entry on the guest sees its own memory alone or, as the loader, the images too.
    mutating func view(isLoading: Bool)
    /// Whether the guest reaches the x2APIC's registers.
    func showAPIC(_ isShown: Bool)
    /// Whether the guest is the loader.
    var isLoading: Bool { get }
    /// The instruction that is stepped over or, until a `rare` exit is decoded, has been.
    var step: SingleStep { get set }

    var means: VCPUMeans { get }
    var rax: UInt64 { get set }
    var rip: UInt64 { get set }
    /// The processor's own code of the latest exit.
    var exitCode: UInt64 { get }
    var cr4: UInt64 { get }
    var cr0: UInt64 { get set }
    /// 0 for a kernel and in real mode, 3 for programs.
    var privilegeLevel: Int { get }
    /// Whether the guest's code is 64-bit code.
    var is64Bit: Bool { get }
    /// Ticks by which the guest's time-stamp counter is behind the core's.
    var clockLag: UInt64 { get nonmutating set }
    /// EFER as the guest sees it.
    var efer: UInt64 { get set }
    /// Goes on behind the instruction that exited, which has `length` bytes where the processor does not tell.
    mutating func skip(_ length: UInt64)
    /// The same where the address behind it is known.
    mutating func finish(at next: UInt64)
    /// Raises an exception at the instruction that exited.
    mutating func raise(_ vector: UInt8, error: UInt32?)
    /// What the exit has interrupted on its way to the guest, and is delivered at the next entry unless something is raised.
    var interruptedEvent: InterruptionInfo { get }
    /// Whether an NMI waits, which is delivered to the guest as soon as it can take one.
    var hasPendingNMI: Bool { get set }
    /// Runs the one instruction that exited again, on a bus where nobody claims what is outside the partition's memory: it
    /// reads ones there, and what it writes is gone. Exceptions exit meanwhile.
    mutating func singleStep()
    /// What exits for the watch.
    var guarding: Guarding { get set }
    /// What the watch compares; only values that were read are written, and CR3 is not.
    var guarded: GuardedRegisters { get set }
    /// Runs one instruction by itself, in the nested tables at `root` or, where that is nil, with registers unguarded. False where
    /// an event was about to be delivered.
    mutating func stepGuarded(root: UInt64?) -> Bool
    /// Does what SYSCALL does, or SYSRET.
    mutating func enterSystemCall()
    mutating func leaveSystemCall(to64Bit: Bool)
    /// Reads the control block back: what must stay as it is while guests come and go.
    func check(_ report: inout ProtectionReport)
    /// Lets the host take the NMI or SMI that ended the guest's run, so that the next one can come.
    mutating func takeHostInterrupt()
}

// What neither processor keeps in its control block.
extension VirtualCPU {
    var registers: Pointer<guest_registers> { @inline(__always) get { Pointer(at: means.registers) } }
    var maps: PermissionMaps { @inline(__always) get { means.maps } }
    var nested: NestedRoots { @inline(__always) get { means.nested } }
    var rbx: UInt64 {
        @inline(__always) get { registers.value.rbx }
        @inline(__always) nonmutating set { registers.value.rbx = newValue }
    }
    var rcx: UInt64 { @inline(__always) get { registers.value.rcx } }
    var rdx: UInt64 {
        @inline(__always) get { registers.value.rdx }
        @inline(__always) nonmutating set { registers.value.rdx = newValue }
    }
}
