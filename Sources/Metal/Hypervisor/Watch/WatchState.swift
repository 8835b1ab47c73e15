import Control
import Synchronization
import Watch
import X86

/// What the cores of one partition know of their guest's kernel. `lock` of the partition guards what is not atomic, until the phase
/// is `locked`; nothing but the atomics changes from then on.
struct WatchState: ~Copyable {
    /// A `WatchPhase`.
    let phase = Atomic<UInt8>(WatchPhase.off.rawValue)
    var kernel = KernelPlace()
    /// Of the vCPU that locked it.
    var registers = GuardedRegisters()
    /// System calls that came before the kernel was read-only.
    var early = 0
    /// Whether a vCPU has the pages that stand in, 0 or 1.
    let writer = Atomic<Int>(0)
    let verdicts = Atomic<UInt32>(0)
    /// Whether the boot vCPU's core is to pause the guest.
    let isFrozen = Atomic<Bool>(false)

    /// So many of those are borne: an exit each, and no guest has more before it is up.
    static let maxEarly = 20_000
    /// So many verdicts are told one by one, then those whose number is a power of two.
    static let maxTold: UInt32 = 16

    mutating func reset(_ phase: WatchPhase) {
        self.phase.store(phase.rawValue, ordering: .sequentiallyConsistent)
        (kernel, registers, early) = (KernelPlace(), GuardedRegisters(), 0)
        writer.store(0, ordering: .relaxed)
        verdicts.store(0, ordering: .relaxed)
        isFrozen.store(false, ordering: .relaxed)
    }
}

/// What one vCPU's core knows of it.
struct VCPUWatch: ~Copyable {
    enum Pending { case none, write, registers }
    /// Whether EFER.SCE, which the guest has set, is withheld: its next system call exits.
    var withholds = false
    var isLocked = false
    var locked = GuardedRegisters()
    /// What the instruction that is stepped over may have changed, where, and where it is.
    var pending = Pending.none
    var address: UInt64 = 0
    var rip: UInt64 = 0
    /// What has to follow the latest verdict.
    var next = ExitOutcome.resume

    mutating func takeNext() -> ExitOutcome {
        let taken = next
        next = .resume
        return taken
    }
}

/// Frames for the nested tables that the watch makes: for each table that is locked, for a write that is looked at, and two pages
/// that stand in for those that are written.
enum WatchFrames {
    /// Of a table that is locked: its root, two levels below, and the ends of three parts.
    static let table = 12
    static let write = 6, standIns = 2

    /// Those of a partition that has `buses` tables of unclaimed memory.
    static func count(buses: Int) -> Int { (1 + buses) * table + write }

    static func arena(at first: UInt64, _ count: Int) -> FrameArena {
        // The frames were set aside for this at boot, and are nobody else's.
        unsafe FrameArena(base: first, size: UInt64(count) * FrameArena.frameSize)
    }
}
