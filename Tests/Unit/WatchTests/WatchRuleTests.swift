import Manifest
import Testing
import Watch

/// What is a breach, and what follows.
struct WatchRuleTests {
    @Test func responsesFollowThePolicy() {
        var spec = WatchSpec()
        spec.response = .freeze
        spec.lockAfter = 60
        #expect(spec.response(to: .text, after: 59) == .report, "while it is learned what a guest does")
        #expect(spec.response(to: .text, after: 60) == .freeze)
        // Which comes when the guest has just started.
        for seconds in [1, 59, 60] as [UInt64] { #expect(spec.response(to: .notLocked, after: seconds) == .freeze) }
        spec.response = .refuse
        #expect(spec.response(to: .text, after: 60) == .refuse)
        #expect(spec.response(to: .notLocked, after: 60) == .report, "nothing is there to refuse")
    }

    @Test func bitsThatProtectAreNeverCleared() {
        var locked = GuardedRegisters()
        locked.words[0] = 0x8005_0033
        locked.words[1] = 1 << 20 | 1 << 7 | 1 << 5
        var now = locked
        #expect(now.changed(since: locked) == nil)
        now.words[0] = 0x8005_003B  // TS
        now.words[1] |= 1 << 21 | 1 << 8  // SMAP and PCE are set
        #expect(now.changed(since: locked) == nil)
        now.words[1] &= ~(1 << 7)
        #expect(now.changed(since: locked) == nil, "global pages come and go")
        now.words[1] &= ~(1 << 20)
        #expect(now.changed(since: locked).map(WatchRule.register) == .cr4)
        now.words[0] &= ~(1 << 16)
        #expect(now.changed(since: locked).map(WatchRule.register) == .cr0)
        now.words[1] |= 1 << 7
        for i in [0, 1] { now.restore(i, from: locked) }
        #expect(now.changed(since: locked) == nil && now.words[1] & (1 << 21 | 1 << 7) == 1 << 21 | 1 << 7)
    }

    @Test func eachRegisterHasItsRule() {
        let rules: [WatchRule] = [
            .interruptRegister, .descriptorRegister, .star, .systemCallEntry, .compatibilityEntry, .systemCallMask,
            .sysenterSegment, .sysenterStack, .sysenterEntry,
        ]
        for (index, rule) in rules.enumerated() {
            var now = GuardedRegisters()
            now.words[index + 2] = 1
            #expect(now.changed(since: GuardedRegisters()).map(WatchRule.register) == rule)
            let isOwn = rule == .descriptorRegister || rule == .sysenterStack
            #expect((now.changed(since: GuardedRegisters(), isOther: true) == nil) == isOwn, "\(rule)")
            now.restore(index + 2, from: GuardedRegisters())
            #expect(now.changed(since: GuardedRegisters()) == nil)
        }
        for msr in [0x174, 0x176, 0xC000_0081, 0xC000_0084] as [UInt32] { #expect(GuardedRegisters.covers(msr)) }
        for msr in [0x173, 0x177, 0xC000_0080, 0xC000_0085, 0xC000_0102] as [UInt32] {
            #expect(!GuardedRegisters.covers(msr))
        }
    }
}
