import Manifest

/// What was changed that a booted kernel does not change. The raw values are in events and crash records and never change
/// their meaning: 1 to 3 memory in the order of `KernelPlace`, 4 to 14 registers in that of `GuardedRegisters`, 17 that the kernel could
/// not be locked (`WatchPhase`).
public enum WatchRule: UInt8, Sendable {
    case text = 1
    case constants, interruptTable, cr0, cr4, interruptRegister, descriptorRegister, star, systemCallEntry
    case compatibilityEntry, systemCallMask, sysenterSegment, sysenterStack, sysenterEntry, efer, apicBase, notLocked

    /// That of a word of `GuardedRegisters`.
    public static func register(_ index: Int) -> WatchRule { WatchRule(rawValue: UInt8(index) + 4) ?? .cr0 }
}

/// How far the watch over a kernel has come. The raw values, from 0 on, travel on the link and are in logs.
public enum WatchPhase: UInt8, Error, Sendable {
    /// While it waits the guest is not up yet.
    case off, waiting, locked
    /// Why it could not be locked: there is no table of sites on the boot volume, or one that is damaged; what runs is not the image's
    /// kernel, as its system call entry or its page tables say; the guest still maps its text writable, as it does until it is up; part
    /// of it lies outside of low memory; the frames for nested tables are used up.
    case noTable, otherKernel, notReadOnly, outsideMemory, outOfFrames
}

extension WatchSpec {
    /// What follows a breach of a rule `seconds` after the guest's start. What could not be locked cannot be refused.
    public func response(to rule: WatchRule, after seconds: UInt64) -> WatchResponse {
        // Told once, when the guest has come up: what follows is not put off.
        if rule == .notLocked { return response == .refuse ? .report : response }
        return seconds < UInt64(lockAfter) ? .report : response
    }
}
