import TPM
import Testing

@testable import Seal

/// Banks of PCRs that firmware does not extend: whoever runs could make their values.
@Suite struct MeasuredPCRsTests {
    private let secret = [UInt8](repeating: 0xA5, count: 32)

    @Test func aBankThatIsNotMeasuredIsRefused() throws {
        let machine = try SealingMachine(measured: [.sha256])
        var plan = SealedSecret.Plan(ownerKey: machine.ownerKey)
        #expect(throws: SealError.unmeasured(pcr: 7, bank: "sha384", better: "sha256")) {
            try SealedSecret(secret, plan, machine.tpm)
        }
        plan.pcrs = [2, 4, 7, 11]
        #expect(throws: SealError.unmeasured(pcr: 2, bank: "sha384", better: "sha256")) {
            try SealedSecret(secret, plan, machine.tpm)
        }
        #expect(try machine.tpm.readPublic(StorageKey.handle) == nil)
        plan.bank = .sha256
        let sealed = try SealedSecret(secret, plan, machine.tpm)
        #expect(try machine.run(sealed.commands.bytes).secret == secret)
    }

    @Test func noBankIsNamedWhereNoneIsMeasured() throws {
        let machine = try SealingMachine(measured: [])
        var plan = SealedSecret.Plan(ownerKey: machine.ownerKey)
        #expect(throws: SealError.unmeasured(pcr: 7, bank: "sha384", better: nil)) {
            try SealedSecret(secret, plan, machine.tpm)
        }
        // A value that is given is the owner's word.
        plan.given = [7: [UInt8](repeating: 1, count: 48)]
        #expect(throws: Never.self) { try SealedSecret(secret, plan, machine.tpm) }
    }

    /// PCR 17 to 22 hold ones until a dynamic launch, and are none of firmware's; 8 to 15 may be as the machine was reset.
    @Test func onlyFirmwaresPCRsAreAsked() throws {
        let machine = try SealingMachine()
        let values = try machine.tpm.readMeasured(PCRSelection(.sha384, [7, 12, 17]), of: machine.tpm.activeBanks())
        #expect(values[12]?.allSatisfy { $0 == 0 } == true && values[17]?.allSatisfy { $0 == 0xFF } == true)
    }
}
