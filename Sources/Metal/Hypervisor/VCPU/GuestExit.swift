import Platform

/// Why the guest stopped, decoded from the vendor's exit codes into words that both vendors share: what is frequent, on the
/// path of every exit.
enum GuestExit {
    case cpuid
    case readMSR
    case writeMSR
    /// `next` is the address behind the instruction.
    case port(PortAccess, next: UInt64)
    /// See `VirtualCPU.decodeRare`.
    case rare
}

/// All other exits.
enum RareExit {
    /// A guest-physical address that the partition's memory does not have.
    case nestedPageFault(address: UInt64, isFetch: Bool, isWrite: Bool)
    /// An exception on its way to the guest.
    case exception(UInt8, error: UInt32?)
    /// The silicon has found an error of its own.
    case machineCheck
    case nmi
    /// The firmware's system management mode is due; or a guest may come to no instruction behind this exit, and what waits for
    /// the host is let in.
    case hostInterrupt
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
    /// An instruction that writes a register which the watch guards.
    case guardedInstruction
    /// The vendor's decoder has answered it already.
    case answered
    /// The processor does not enter the state that the guest is in.
    case invalidState
    /// The processor's own code of an exit that nothing should cause.
    case unexpected(UInt64)
}
