import Testing
import X86

/// Positions of the controls, after Intel SDM volume 3C, sections 25.6.1, 25.6.2, 25.7.1 and 25.8.1.
@Suite struct VMXControlTests {
    @Test func switchedControls() {
        #expect(ControlSet.virtualNMIs == 1 << 5 && ControlSet.preemptionTimer == 1 << 6)
        #expect(ControlSet.nmiWindowExiting == 1 << 22 && ControlSet.entry.switched == 1 << 9)
    }

    static let sets: [ControlSet] = [.pin, .processor, .secondary, .exit, .entry]

    @Test(arguments: sets) func aBitHasOneRole(set: ControlSet) {
        let roles = [set.required, set.wanted, set.reserved, set.forbidden]
        #expect(roles.reduce(0) { $0 + $1.nonzeroBitCount } == 32 && roles.reduce(0, |) == .max)
        // What is switched, and what stands in for another control, is 0 to begin with.
        #expect((set.switched | set.substitute) & ~set.forbidden == 0)
    }
}
