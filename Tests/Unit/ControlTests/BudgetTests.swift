import Control
import Testing

@Suite struct BudgetTests {
    @Test func aBurstIsAllowedAndThenTheRate() {
        var budget = Budget(capacity: 4096, perSecond: 1024)
        budget.ticksPerSecond = 1_000_000_000
        let start: UInt64 = 5_000_000_000_000
        var now = start, spent = 0
        // Lines of 100 bytes, asked for every 10 ms.
        while now < start + 60_000_000_000 {
            while budget.isLeft(now: now) {
                budget.spend(100)
                spent += 100
            }
            now += 10_000_000
        }
        let most = 4096 + 60 * 1024 + 100
        #expect(spent <= most && spent > most - 2048)
    }

    @Test func whatWasSavedIsNeverMoreThanItHolds() {
        var budget = Budget(capacity: 300, perSecond: 100)
        budget.ticksPerSecond = 1000
        for _ in 0..<3 {
            let left1 = budget.isLeft(now: .max / 2)
            #expect(left1)
            budget.spend(100)
        }
        let left2 = budget.isLeft(now: .max / 2)
        #expect(!left2)
        let left3 = budget.isLeft(now: .max - 1)
        #expect(left3)
        for _ in 0..<3 { budget.spend(100) }
        let left4 = budget.isLeft(now: .max - 1)
        #expect(!left4)
    }

    /// Several cores may share one, and the clock of one may be behind.
    @Test func aClockThatIsBehindFillsNothing() {
        var budget = Budget(capacity: 2, perSecond: 100)
        budget.ticksPerSecond = 1000
        let full = budget.isLeft(now: 50_000)
        #expect(full)
        budget.spend(2)
        for now in [49_999, 10_000, 0, 50_000, 50_009] as [UInt64] {
            let left = budget.isLeft(now: now)
            #expect(!left)
        }
        let later = budget.isLeft(now: 50_010)
        #expect(later)
    }

    @Test func whoOwesWaitsLonger() {
        var budget = Budget(capacity: 300, perSecond: 100)
        budget.ticksPerSecond = 1000
        let left5 = budget.isLeft(now: 1)
        #expect(left5)
        budget.spend(500)
        let left6 = budget.isLeft(now: 2000)
        #expect(!left6)
        let left7 = budget.isLeft(now: 2031)
        #expect(left7)
    }

    /// A unit takes 10 ticks: who asks after 19 has not lost the 9.
    @Test func theRestOfAUnitIsKept() {
        var budget = Budget(capacity: 300, perSecond: 100)
        budget.ticksPerSecond = 1000
        var spent = 0
        for now in stride(from: UInt64(1_000_000), to: 1_100_000, by: 19) {
            while budget.isLeft(now: now) {
                budget.spend(1)
                spent += 1
            }
        }
        #expect(9_990...10_310 ~= spent)
    }

    @Test func theClockMayBeSlowerThanTheRate() {
        var budget = Budget(capacity: 10, perSecond: 100)
        budget.spend(10)
        let left8 = budget.isLeft(now: 5)
        #expect(left8)
    }
}

@Suite struct LineTurnTests {
    /// A partition that speaks without end has its budget; the others have their turns, and so have devices' faults.
    @Test func whoSpeaksWithoutEndHasItsBudget() {
        var turns = LineTurns(partitionCount: 3, ticksPerSecond: 1_000_000)
        var said = [0, 0, 0, 0], now: UInt64 = 5_000_000_000
        for _ in 0..<60_000 {
            turns.next(now: now) { who in
                let bytes = [100, 100, 0, 100][who]
                said[who] += bytes
                return bytes
            }
            now += 1000
        }
        let most = 4096 + 60 * 1024 + 100
        for who in 0..<2 { #expect(said[who] <= most && said[who] > most - 2048) }
        #expect(said[3] > 5_000_000, "the port is theirs when nobody else may speak")
    }

    @Test func eachHasItsTurn() {
        var turns = LineTurns(partitionCount: 3, ticksPerSecond: 1000), order: [Int] = []
        for _ in 0..<8 {
            turns.next(now: 1_000_000) { who in
                order.append(who)
                return 10
            }
        }
        #expect(order == [1, 2, 3, 0, 1, 2, 3, 0])
        // Who has nothing to say is asked once, and loses no turn to anybody.
        var asked: [Int] = []
        turns.next(now: 1_000_000) { who in
            asked.append(who)
            return 0
        }
        #expect(asked == [1, 2, 3, 0])
    }
}

@Suite struct RestartDelayTests {
    @Test func itDoublesWhileLivesAreShort() {
        var delay = RestartDelay(), waits: [UInt64] = []
        for _ in 0..<12 { waits.append(delay.next(after: .reboot, life: 999)) }
        #expect(waits == [0, 0, 0, 100, 200, 400, 800, 1600, 3200, 6400, 6400, 6400])
        let afterLong = delay.next(after: .reboot, life: 1000)
        #expect(afterLong == 0)
    }

    @Test func aManagerBeginsAnew() {
        var delay = RestartDelay()
        for _ in 0..<10 { _ = delay.next(after: .tripleFault, life: 0) }
        for cause in [StateCause.manager, .tripleFault, .tripleFault, .tripleFault] {
            let wait = delay.next(after: cause, life: 0)
            #expect(wait == 0)
        }
    }

    @Test func aLimitEndsItWithinTheHour() {
        var delay = RestartDelay(), may: [Bool] = []
        for minute in UInt64(0)..<4 { may.append(delay.mayRestart(3, now: minute * 60_000)) }
        #expect(may == [true, true, true, false])
        let almost = delay.mayRestart(3, now: 3_599_999), hour = delay.mayRestart(3, now: 3_600_000)
        let next = delay.mayRestart(1, now: 3_600_001)
        #expect(!almost && hour && !next)
        var free = RestartDelay()
        for _ in 0..<1000 {
            let mayAgain = free.mayRestart(0, now: 0)
            #expect(mayAgain)
        }
    }

    /// Whose physical function is reset again and again starts again at once each time, and is no worse off for it.
    @Test func whatAnotherHasEndedDoesNotCount() {
        var delay = RestartDelay()
        for _ in 0..<10 {
            let wait = delay.next(after: .physicalFunction, life: 0)
            #expect(wait == 0)
        }
        for _ in 0..<4 { _ = delay.next(after: .tripleFault, life: 0) }
        let others = delay.next(after: .physicalFunction, life: 999), own = delay.next(after: .tripleFault, life: 0)
        #expect(others == 0 && own == 200)
        let afterLong = delay.next(after: .physicalFunction, life: 1000)
        let next = delay.next(after: .tripleFault, life: 0)
        #expect(afterLong == 0 && next == 0)
    }

    /// As the faults that an IOMMU reports are read: sixteen at once, then sixteen a second.
    @Test func faultsAreLimitedToSixteenASecond() {
        var budget = Budget(capacity: 16, perSecond: 16)
        budget.ticksPerSecond = 1600
        var read = 0
        func readAll(_ moments: ClosedRange<UInt64>) -> Int {
            read = 0
            for now in moments where budget.isLeft(now: now) {
                budget.spend(1)
                read += 1
            }
            return read
        }
        var first = 0
        for _ in 0..<100 { first += readAll(80_000...80_000) }
        #expect(first == 16)
        let held = readAll(80_000...80_099), next = readAll(80_100...81_600)
        #expect(held == 0 && next == 16)
    }
}
