/// Whose line the machine's log has next: each partition in turn, and behind the last one devices' faults. Who has spent its budget is
/// passed over.
public struct LineTurns: Sendable {
    private let partitionCount: Int
    /// Bytes of the partitions' lines. Behind them is nobody's that is asked.
    private var budgets: [9 of Budget]
    private var turn = 0

    public init(partitionCount: Int, ticksPerSecond: UInt64) {
        self.partitionCount = partitionCount
        var budget = Budget(capacity: 4096, perSecond: 1024)
        budget.ticksPerSecond = ticksPerSecond
        budgets = .init(repeating: budget)
    }

    /// Asks each once, until one has something to say.
    /// - Parameters:
    ///   - now: in ticks.
    ///   - say: says what partition `$0` has to, `partitionCount` for devices' faults; gives how many bytes that were, 0 for nothing.
    public mutating func next(now: UInt64, say: (Int) -> Int) {
        for _ in 0...partitionCount {
            turn = turn < partitionCount ? turn + 1 : 0
            if turn < partitionCount, !budgets[turn].isLeft(now: now) { continue }
            let count = say(turn)
            budgets[turn].spend(count)
            if count > 0 { return }
        }
    }
}
