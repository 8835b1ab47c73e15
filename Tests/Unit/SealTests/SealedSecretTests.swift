import TPM
import Testing

@testable import Seal

/// Secrets that a TPM (swtpm) gives back, or does not, to who runs the list as root mode does.
@Suite struct SealedSecretTests {
    private let secret = [UInt8]((0..<64).map { $0 ^ 0xA5 })

    private func plan(_ machine: SealingMachine) -> SealedSecret.Plan { SealedSecret.Plan(ownerKey: machine.ownerKey) }

    @Test(arguments: [nil, "sha256", "sha384"]) func theHypervisorGetsIt(_ banks: String?) throws {
        let machine = try SealingMachine(banks: banks)
        for bytes in [secret, Array(secret.prefix(16))] {
            let sealed = try SealedSecret(bytes, plan(machine), machine.tpm)
            #expect(sealed.policy.bank.name == banks ?? "sha384")
            #expect(sealed.madeStorageKey == (bytes.count == 64))
            #expect(!sealed.commands.bytes.contains(bytes) && sealed.policy.counter == nil)
            let run = try machine.run(sealed.commands.bytes)
            #expect(run.codes == [0, 0, 0, 0, 0, 0, 0] && run.secret == bytes)
            #expect(try machine.leftovers() == 0)
        }
    }

    /// Another key or another program has made a PCR: it says so at PolicyPCR, gives nothing, and leaves nothing.
    @Test(arguments: [7 as UInt32, 11]) func anotherPCRGetsNothing(_ pcr: UInt32) throws {
        let machine = try SealingMachine(), sealed = try SealedSecret(secret, plan(machine), machine.tpm)
        #expect(try machine.run(sealed.commands.bytes).secret == secret)
        try machine.extend(pcr, .sha384, by: PCRBank.sha384.digest(Array("closed".utf8)))
        let run = try machine.run(sealed.commands.bytes)
        #expect(run.codes == [0, 0x1C4, 0, 0x99D, 0, 0, 0] && run.secret == nil)
        #expect(try machine.leftovers() == 0)
    }

    /// Whoever leaves the expected digest out gets to TPM2_Unseal, and no further.
    @Test func theTPMItselfChecksThePolicy() throws {
        let machine = try SealingMachine(), sealed = try SealedSecret(secret, plan(machine), machine.tpm)
        try machine.extend(7, .sha384, by: [UInt8](repeating: 1, count: 48))
        var commands = sealed.commands.commands.map(\.bytes)
        commands[1] = try TPMCommand.policyPCR(0xFFFF_FF00, sealed.policy.selection, digest: []).bytes
        let run = try machine.run(commands.flatMap { $0 })
        #expect(run.codes[1] == 0 && run.codes[3] == 0x99D && run.secret == nil)
        // Nor does the empty password open it.
        commands[3] = try TPMCommand(.unseal, handles: [0xFFFF_FF02], authorizations: [.emptyPassword]).bytes
        let other = try machine.run(commands.flatMap { $0 })
        #expect(other.codes[2] == 0 && other.codes[3] == 0x12F && other.secret == nil)
    }

    @Test func aClearedOrAnotherTPMGivesNothing() throws {
        let machine = try SealingMachine(), sealed = try SealedSecret(secret, plan(machine), machine.tpm)
        try machine.clear()
        let run = try machine.run(sealed.commands.bytes)
        #expect(run.codes[2] == 0x18B && run.codes[3] == nil && run.secret == nil)
        #expect(try StorageKey.provide(machine.tpm))
        let again = try machine.run(sealed.commands.bytes)
        #expect(again.codes[2] == 0x1DF && again.secret == nil)
        let other = try SealingMachine()
        #expect(try StorageKey.provide(other.tpm))
        #expect(try other.run(sealed.commands.bytes).secret == nil)
    }

    /// A value that is given is sealed to, whatever the TPM holds now.
    @Test func aGivenValueIsSealedTo() throws {
        let machine = try SealingMachine(), bank = PCRBank.sha256
        let start = try #require(try machine.tpm.readPCRs(PCRSelection(bank, [7]))[7])
        let next = bank.digest(start + bank.digest([1]))
        var plan = plan(machine)
        (plan.bank, plan.given) = (bank, [7: next])
        let sealed = try SealedSecret(secret, plan, machine.tpm)
        #expect(sealed.policy.values[7] == next)
        #expect(try machine.run(sealed.commands.bytes).secret == nil)
        try machine.extend(7, bank, by: bank.digest([1]))
        #expect(try machine.run(sealed.commands.bytes).secret == secret)
    }

    @Test func aStorageKeyThatIsThereIsUsed() throws {
        let machine = try SealingMachine()
        // RSA-2048, as other programs make it.
        var template = TPMWriter()
        template.put(TPMTemplate.Algorithm.rsa)
        template.put(TPMTemplate.Algorithm.sha256)
        template.put(0x0003_0472 as UInt32)
        for word: UInt16 in [0, 6, 128, 0x43, 0x10, 2048, 0, 0, 0] { template.put(word) }
        let key = try machine.tpm.createPrimary(template.bytes)
        try machine.tpm.persist(key, at: StorageKey.handle)
        try machine.tpm.flush(key)
        let sealed = try SealedSecret(secret, plan(machine), machine.tpm)
        #expect(!sealed.madeStorageKey)
        #expect(try machine.run(sealed.commands.bytes).secret == secret)
    }

    /// A key that signs lies there: nothing is sealed beneath it.
    @Test func whatIsNoStorageKeyIsRefused() throws {
        let machine = try SealingMachine()
        var template = TPMWriter()
        template.put(TPMTemplate.Algorithm.ecc)
        template.put(TPMTemplate.Algorithm.sha256)
        template.put(0x0005_0472 as UInt32)
        for word: UInt16 in [0, 0x10, 0x18, 0x0B, 3, 0x10, 0, 0] { template.put(word) }
        let key = try machine.tpm.createPrimary(template.bytes)
        try machine.tpm.persist(key, at: StorageKey.handle)
        try machine.tpm.flush(key)
        #expect(throws: SealError.notAStorageKey(handle: StorageKey.handle)) {
            try SealedSecret(secret, plan(machine), machine.tpm)
        }
        #expect(try machine.leftovers() == 0)
    }

    @Test func whatCannotBeSealedIsRefusedBeforeTheTPMIsChanged() throws {
        let machine = try SealingMachine(banks: "sha256")
        var plan = plan(machine)
        for bytes in [[], Array(secret.prefix(15)), [UInt8](repeating: 1, count: 65)] {
            #expect(throws: SealError.self) { try SealedSecret(bytes, plan, machine.tpm) }
        }
        plan.bank = .sha384
        #expect(throws: SealError.noBank(asked: "sha384")) { try SealedSecret(secret, plan, machine.tpm) }
        (plan.bank, plan.pcrs) = (nil, [7])
        #expect(throws: SealError.self) { try SealedSecret(secret, plan, machine.tpm) }
        #expect(try machine.tpm.readPublic(StorageKey.handle) == nil)
    }
}
