import TPM
import Testing

@testable import Seal

/// A secret that is sealed to the TPM's counter as well: old manifests of the same owner get it no more once the counter is gone.
@Suite struct SealedCounterTests {
    private let secret = [UInt8]((0..<32).map { $0 ^ 0x5A })
    private let machine: SealingMachine
    private let counter: RollbackCounter
    private let value: UInt64
    private let sealed: SealedSecret

    init() throws {
        machine = try SealingMachine()
        counter = RollbackCounter(machine.tpm)
        value = try counter.raise(to: counter.create().value + 2)
        sealed = try SealedSecret(secret, SealedSecret.Plan(ownerKey: machine.ownerKey), machine.tpm)
    }

    @Test func itOpensAtThisValueAndAbove() throws {
        #expect(sealed.policy.counter == value)
        let run = try machine.run(sealed.commands.bytes)
        #expect(run.codes == [0, 0, 0, 0, 0, 0, 0, 0] && run.secret == secret)
        _ = try counter.raise(to: value + 300)
        #expect(try machine.run(sealed.commands.bytes).secret == secret)
        #expect(try machine.leftovers() == 0)
    }

    /// What is sealed to a value that the counter does not have yet stays closed until it has.
    @Test func itIsClosedBelow() throws {
        let policy = try SealPolicy(sealed.policy.bank, sealed.policy.values, counter: value + 1)
        let blob = try machine.tpm.seal(secret, TPMTemplate.sealed(policy: policy.digest), under: StorageKey.handle)
        let list = try UnsealCommands(blob, policy, parent: StorageKey.handle).bytes
        let run = try machine.run(list)
        #expect(run.codes == [0, 0, 0x126, 0, 0x99D, 0, 0, 0] && run.secret == nil)
        _ = try counter.raise(to: value + 1)
        #expect(try machine.run(list).secret == secret)
    }

    @Test func aRemovedCounterKeepsItClosed() throws {
        try machine.removeCounter()
        let run = try machine.run(sealed.commands.bytes)
        #expect(run.codes == [0, 0, 0x18B, 0, 0x99D, 0, 0, 0] && run.secret == nil)
        // Defined again, and not incremented: it has no value, and another name.
        try machine.tpm.defineNV(RollbackCounter.space)
        let next = try machine.run(sealed.commands.bytes)
        #expect(next.codes[2] == 0x14A && next.codes[4] == 0x99D && next.secret == nil)
        #expect(try machine.leftovers() == 0)
    }

    /// Eight ordinary bytes with the same value: the comparison holds, and the policy is another one.
    @Test func anotherIndexWithItsValueKeepsItClosed() throws {
        try machine.removeCounter()
        var space = RollbackCounter.space
        space.attributes &= ~0xF0
        try machine.tpm.defineNV(space)
        try machine.write(value, to: space.index)
        let run = try machine.run(sealed.commands.bytes)
        #expect(run.codes == [0, 0, 0, 0, 0x99D, 0, 0, 0] && run.secret == nil)
        // Nor does a seal take it for the counter.
        #expect(throws: SealError.notACounter(index: space.index)) {
            try SealedSecret(secret, SealedSecret.Plan(ownerKey: machine.ownerKey), machine.tpm)
        }
    }

    /// A counter made anew has the same name and a higher value: it opens, and an old manifest is below it all the more.
    @Test func aCounterMadeAnewOpensIt() throws {
        try machine.removeCounter()
        #expect(try counter.create().value == value + 1)
        #expect(try machine.run(sealed.commands.bytes).secret == secret)
    }

    /// Without the comparison, by other commands: the TPM asks for the whole policy.
    @Test func theComparisonCannotBeLeftOut() throws {
        var commands = sealed.commands.commands.map(\.bytes)
        commands[2] = try TPMCommand(.readPublic, handles: [StorageKey.handle]).bytes
        let run = try machine.run(commands.flatMap { $0 })
        #expect(run.codes[2] == 0 && run.codes[4] == 0x99D && run.secret == nil)
    }

    @Test func aCounterWithoutAValueIsNone() throws {
        let machine = try SealingMachine()
        try machine.tpm.defineNV(RollbackCounter.space)
        let sealed = try SealedSecret(secret, SealedSecret.Plan(ownerKey: machine.ownerKey), machine.tpm)
        #expect(sealed.policy.counter == nil)
        #expect(try machine.run(sealed.commands.bytes).secret == secret)
    }
}
