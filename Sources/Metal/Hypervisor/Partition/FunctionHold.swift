import Synchronization

/// How a reset of a physical function waits for the owners of its virtual functions, which it takes away. Every control page
/// has one; the housekeeping core goes between them, because partitions' cores share nothing.
///
///     owner of the physical function     housekeeping core          owners of virtual functions
///     `begin`, kick                 →    `set(true)`, kick      →   the guest ends, functions are reset
///     goes on when `isGranted`      ←    `grant`                ←   `acknowledge`, kick
///     reset; virtual ones are enabled
///     `end`, kick                   →    `set(false)`, kick     →   functions are reset, the guest starts
struct FunctionHold: ~Copyable {
    /// For how many seconds others stand still for one reset: five for those that do not stop, and less than two for each of up
    /// to eight functions, none of which comes back. Who takes longer has lost its core, and they go on without it: each by
    /// its own functions, which answer or are lost.
    static let limit: UInt64 = 25
    private static let free: UInt32 = 0
    private static let asked: UInt32 = 1
    private static let held: UInt32 = 2
    /// Odd from before a reset until after it; by the core of this partition's boot vCPU.
    private let wanted = Atomic<UInt32>(0)
    /// The value of `wanted` for which all others stand still; by the housekeeping core.
    private let granted = Atomic<UInt32>(0)
    /// Whether this partition has to stand still. Who was asked stays so until it has been: its functions may be gone.
    private let state = Atomic<UInt32>(free)

    /// A fault can come between both: the next `begin` begins anew then, and an `end` without one changes nothing.
    func begin() { wanted.store(wants &+ 1 | 1, ordering: .sequentiallyConsistent) }
    var isGranted: Bool {
        granted.load(ordering: .sequentiallyConsistent) == wanted.load(ordering: .sequentiallyConsistent)
    }
    func end() { wanted.store((wants &+ 1) & ~1, ordering: .sequentiallyConsistent) }

    /// Odd while a reset is wanted or under way.
    var wants: UInt32 { wanted.load(ordering: .sequentiallyConsistent) }
    /// - Returns: whether the boot vCPU's core has to look.
    func set(_ isHeld: Bool) -> Bool {
        state.compareExchange(
            expected: isHeld ? Self.free : Self.held, desired: isHeld ? Self.asked : Self.free,
            ordering: .sequentiallyConsistent
        ).exchanged
    }
    var isHeld: Bool { state.load(ordering: .sequentiallyConsistent) == Self.held }
    func grant(_ wants: UInt32) { granted.store(wants, ordering: .sequentiallyConsistent) }

    var isAsked: Bool { state.load(ordering: .sequentiallyConsistent) == Self.asked }
    /// Says that no vCPU runs and that nothing reaches for the functions from here on.
    /// - Returns: whether that was asked for.
    func acknowledge() -> Bool {
        state.compareExchange(expected: Self.asked, desired: Self.held, ordering: .sequentiallyConsistent).exchanged
    }
}
