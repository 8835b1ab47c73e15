import TPM
import Testing

@testable import Seal

/// The counter of the security version, on swtpm.
@Suite struct RollbackCounterTests {
    @Test func itIsMadeOnceAndCountsUp() throws {
        let machine = try SealingMachine(), counter = RollbackCounter(machine.tpm)
        #expect(try counter.state() == .absent)
        #expect(throws: SealError.noCounter(index: 0x0180_4C4B)) { try counter.raise(to: 1) }
        let made = try counter.create()
        #expect(made.isNew && made.value > 0)
        #expect(try counter.state() == .value(made.value))
        let again = try counter.create()
        #expect(!again.isNew && again.value == made.value)
        var seen: [UInt64] = []
        #expect(try counter.raise(to: made.value + 3) { seen.append($0) } == made.value + 3)
        #expect(seen == [made.value + 1, made.value + 2, made.value + 3])
        #expect(try counter.raise(to: made.value) == made.value + 3)
    }

    @Test func aWrongNumberDoesNotUseItUp() throws {
        let machine = try SealingMachine(), counter = RollbackCounter(machine.tpm)
        let value = try counter.create().value
        for wanted in [value + 1001, .max] {
            #expect(throws: SealError.tooFar(value: value, wanted: wanted)) { try counter.raise(to: wanted) }
        }
        #expect(try counter.state() == .value(value))
        #expect(try counter.raise(to: value + 1000) == value + 1000)
    }

    /// One that was defined and then left, by a loss of power say, is finished.
    @Test func whatWasBegunIsFinished() throws {
        let machine = try SealingMachine(), counter = RollbackCounter(machine.tpm)
        try machine.tpm.defineNV(RollbackCounter.space)
        #expect(try counter.state() == .unwritten)
        #expect(throws: SealError.self) { try counter.raise(to: 1) }
        #expect(try counter.create().isNew)
    }

    /// Who removes it and makes it again does not get back.
    @Test func itDoesNotGoBack() throws {
        let machine = try SealingMachine(), counter = RollbackCounter(machine.tpm)
        let value = try counter.raise(to: counter.create().value + 5)
        try machine.removeCounter()
        #expect(try counter.state() == .absent)
        #expect(try counter.create().value == value + 1)
        try machine.clear()
        #expect(try counter.state() == .absent)
        #expect(try counter.create().value == value + 2)
    }

    @Test func whatIsNoCounterIsLeftAlone() throws {
        let machine = try SealingMachine(), counter = RollbackCounter(machine.tpm)
        // Eight ordinary bytes.
        try machine.tpm.defineNV(NVPublic(index: RollbackCounter.index, attributes: 0x0206_0006, size: 8))
        #expect(throws: SealError.notACounter(index: RollbackCounter.index)) { try counter.state() }
        #expect(throws: SealError.notACounter(index: RollbackCounter.index)) { try counter.create() }
    }
}
