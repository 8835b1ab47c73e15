import TPM
import Testing

@testable import Attestation

/// In which banks the firmware measures, and which of them are quoted.
@Suite struct EnrolledBanksTests {
    private static func leaveAlone(_ events: inout [LoggedEvent]) {
        for i in events.indices where events[i].pcr < 8 { events[i].digests[.sha384] = nil }
    }

    /// CVE-2021-42299: any program can put into such a bank what it likes.
    @Test func aBankThatFirmwareNeverExtends() throws {
        let machine = try AttestedMachine(always: Self.leaveAlone)
        let found = try AttestedMachine.complaints(machine.evidence(), machine.demand())
        let pcrs =
            "PCR 0, 1, 2, 3, 4, 5, 6, 7 not extended: the firmware does not measure into this bank, any program can"
        #expect(
            found.first
                == "banks: sha256 and sha384: a bank is missing, or one says nothing of the firmware\nsha384: \(pcrs)\n"
                + "sha384 at the enrolment: \(pcrs)")
        do {
            _ = try machine.tpm.connect().enrolment(nonce: nil, log: machine.tpm.log)
            Issue.record("it was enrolled")
        } catch let error as EvidenceError {
            #expect(
                error.reason.hasPrefix("the firmware does not extend PCR 0, 1, 2, 3, 4, 5, 6, 7 of the bank sha384"))
        }
    }

    /// The machine starts with a driver; what it has extended the other bank by is the honest start, which it tells of alone.
    @Test func anHonestStartInTheBankThatFirmwareLeavesAlone() throws {
        var driver = LoggedEvent(pcr: 2, type: 0x8000_0004, of: [1, 2, 3])
        driver.digests[.sha384] = nil
        var honest: [LoggedEvent] = []
        let machine = try AttestedMachine(
            { [driver] in $0.insert(driver, at: 1) },
            always: { events in
                honest = events
                for i in events.indices { events[i].digests[.sha384] = nil }
            })
        var log = MeasuringTPM.emptyLog
        for var event in honest {
            event.digests[.sha256] = nil
            try machine.tpm.measure(event)
            log += MeasuringTPM.encode(event)
        }
        let whole = { (bank: PCRBank) in PCRSelection(bank, Quote.wholePCRs) }
        let evidence = try machine.evidence(of: [whole(.sha384)], log: log)
        var demand = try machine.demand()
        // Nothing in this evidence by itself is wrong.
        demand.baseline = nil
        #expect(try AttestedMachine.complaints(evidence, demand) == [])
        try machine.tpm.restart()
        for var event in honest {
            event.digests[.sha384] = nil
            try machine.tpm.measure(event)
        }
        demand.baseline = try machine.evidence(of: [whole(.sha256)])
        let found = try AttestedMachine.complaints(evidence, demand)
        #expect(
            found.first?.contains("\nsha256 was enrolled, and is not quoted\nsha384 is quoted, and was not enrolled")
                == true)
        #expect(found.last == BaselineTests.changed && found.count == 2, "\(found)")
    }

    /// Each bank that was enrolled is demanded, although what is there of the others is good.
    @Test func fewerBanks() throws {
        let machine = try AttestedMachine()
        for (kept, gone) in [(PCRBank.sha256, PCRBank.sha384), (.sha384, .sha256)] {
            let evidence = try machine.evidence(of: [PCRSelection(kept, Quote.wholePCRs)])
            #expect(
                try AttestedMachine.complaints(evidence, machine.demand())
                    == [
                        "banks: \(kept.name): a bank is missing, or one says nothing of the firmware\n\(gone.name) was enrolled, and is not quoted"
                    ])
        }
    }

    /// PCRs of ones, and PCR 0 with nothing but the locality of the start in it.
    @Test func whatCountsAsNotExtended() throws {
        let machine = try AttestedMachine(), evidence = try machine.evidence()
        var values = evidence.values
        values.replaceSubrange(0..<32, with: [UInt8](repeating: 0, count: 31) + [3])
        values.replaceSubrange(64..<96, with: [UInt8](repeating: 0xFF, count: 32))
        var changed = evidence
        changed.values = values
        // The digest that a TPM with these values would have quoted.
        changed.quote.replaceSubrange(
            changed.quote.count - 32..<changed.quote.count, with: PCRBank.sha256.digest(values))
        let read = try QuotedValues(changed, Quote(changed.quote), machine.key())
        #expect(read.untouched(.sha256) == [0, 2] && read.untouched(.sha384) == [])
    }
}
