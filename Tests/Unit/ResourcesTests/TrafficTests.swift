import Resources
import Testing

/// The registers by which a core reads what is counted: select, then read (SDM volume 3B, section 18.18.3.3).
private final class Counters {
    var selected: UInt64 = 0
    var answers: [UInt64: UInt64] = [:]
    func write(_ msr: UInt32, _ value: UInt64) {
        // Event in 7:0, id in 41:32; all else is reserved.
        #expect(msr == 0xC8D && value & ~0x3FF_0000_00FF == 0, "#GP")
        selected = value
    }
    func read(_ msr: UInt32) -> UInt64 {
        #expect(msr == 0xC8E, "#GP")
        return answers[selected, default: 1 << 63]
    }
}

@Suite struct TrafficTests {
    private func read(_ counters: Counters, _ monitor: UInt32, _ processor: RecordedProcessor) -> TrafficCounters {
        TrafficCounters(monitor: monitor, processor.capabilities, read: counters.read, write: counters.write)
    }

    @Test func unitsBecomeBytes() {
        let counters = Counters()
        counters.answers = [2 << 32 | 1: 10, 2 << 32 | 2: 7, 2 << 32 | 3: 3]
        let found = read(counters, 2, .iceLake)
        #expect(found.occupancy == 10 * 0x1_8000 && found.total == 7 * 0x1_8000 && found.local == 3 * 0x1_8000)
        #expect(found.wrap == 0x1_8000 << 32)
    }

    @Test func whatIsNotKnownIsNotANumber() {
        let counters = Counters()
        counters.answers = [1 << 32 | 1: 1 << 62, 1 << 32 | 2: 5]
        let found = read(counters, 1, .zen3)
        #expect(found.occupancy == nil && found.total == 5 * 64 && found.local == nil)
        var fewer = RecordedProcessor.zen3
        fewer.leaves[0xF << 32 | 1]?.edx = 1
        #expect(read(counters, 1, fewer).total == nil)
        #expect(read(counters, 1, .haswell) == TrafficCounters())
        // An id that the processor does not have is not asked for.
        #expect(read(counters, 0x100, .zen3) == TrafficCounters() && counters.selected >> 32 == 1)
    }

    @Test func countersBeginAgain() {
        #expect(TrafficCounters.moved(30, since: 10, wrap: 64) == 20)
        #expect(TrafficCounters.moved(10, since: 60, wrap: 64) == 14)
    }
}
