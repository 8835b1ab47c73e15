import Manifest

/// What was changed that a booted kernel does not change. The raw values are in events and crash records and never change
/// their meaning; those of registers follow the order of `GuardedRegisters`.
public enum WatchRule: UInt8, Sendable {
    case text = 1
    case constants = 2
    case interruptTable = 3
    case cr0 = 4
    case cr4, interruptRegister, descriptorRegister, star, systemCallEntry, compatibilityEntry, systemCallMask
    case sysenterSegment, sysenterStack, sysenterEntry
    case efer = 15
    case apicBase = 16
    /// The kernel could not be locked: see `LockObstacle`.
    case notLocked = 17
}

/// Why a kernel was not locked.
public enum LockObstacle: UInt8, Error, Sendable {
    /// The image has no table of sites on the boot volume, or one that is damaged.
    case table = 1
    /// What runs is not the image's kernel: its system call entry or its page tables say so.
    case otherKernel = 2
    /// The guest still maps its text writable, as it does until it is up.
    case notReadOnly = 3
    /// Part of it lies outside the partition's memory.
    case outsideMemory = 4
    /// The frames for nested tables are used up.
    case outOfFrames = 5
}

extension WatchSpec {
    /// What follows a breach of a rule `seconds` after the guest's start. What could not be locked cannot be refused.
    public func response(to rule: WatchRule, after seconds: UInt64) -> WatchResponse {
        if seconds < UInt64(lockAfter) { return .report }
        return rule == .notLocked && response == .refuse ? .report : response
    }
}
