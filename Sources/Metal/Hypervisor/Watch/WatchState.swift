import Silicon
import Synchronization
import Watch
import X86

/// What the cores of one partition know of their guest's kernel. `lock` of the partition guards what is not atomic, until the phase
/// is `locked`; nothing but the atomics changes from then on.
struct WatchState: ~Copyable {
    /// A `WatchPhase`.
    let phase = Atomic<UInt8>(WatchPhase.waiting.rawValue)
    var kernel = KernelPlace()
    /// Of the vCPU that locked it.
    var registers = GuardedRegisters()
    /// System calls, and returns from them, that came before the kernel was read-only.
    var early = 0
    /// The first entries of the nested tables' roots before the kernel was locked; 0 until then.
    var entries: [17 of UInt64] = .init(repeating: 0)
    /// Whether a vCPU has the pages that stand in.
    let isWriting = Atomic<Bool>(false)
}

/// What one vCPU's core knows of it.
struct VCPUWatch: ~Copyable {
    /// Whether the instruction that is stepped over writes memory, or else registers; where, and where it is; the registers before it.
    var pending: Bool?
    var address: UInt64 = 0, rip: UInt64 = 0
    var registers = GuardedRegisters()
    /// EFER.SCE while it is withheld, else 0.
    var hidden: UInt64 = 0
    /// What has to follow the latest verdict.
    var next: ExitOutcome?
}

/// What exits for the watch. While it is arming EFER.SCE, which the guest has set, is withheld: its next system call raises #UD,
/// which exits. When it is locked EFER.SCE is set, and writes to all of `GuardedRegisters` exit.
enum Guarding { case off, arming, locked }

/// Frames that the watch needs of a partition: two pages that stand in for those that are written; and nine for each nested table and
/// for the one by which a write is looked at: roots, tables of 512 GiB, of up to three GiB, and of the large pages in which text,
/// constants and the interrupt table end. The core maps those read-only.
struct WatchFrames {
    let standIns: UInt64
    let arenas: UInt64
    /// Nested tables.
    let tables: Int

    static func standIns(tables: Int) -> Int { tables == 0 ? 0 : 2 }
    static func arenas(tables: Int) -> Int { tables == 0 ? 0 : (tables + 1) * 9 }

    func arena(_ index: Int) -> FrameArena {
        // The frames were set aside for this at boot, and are nobody else's.
        unsafe FrameArena(base: arenas + UInt64(index * 9) * 4096, size: 9 * 4096)
    }
}

/// Writes nested tables, which are mapped read-only as all is that no core has to write in the steady state.
@inline(__always)
func writingTables<Result, E: Error>(_ body: () throws(E) -> Result) throws(E) -> Result {
    let cr0 = cpu_read_cr0()
    cpu_write_cr0(cr0 & ~CR0.writeProtect)
    defer { cpu_write_cr0(cr0) }
    return try body()
}
