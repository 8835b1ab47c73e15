import TPM
import Testing

@testable import Attestation

/// What no volume says: firmware, drivers, Secure Boot's keys.
@Suite struct BaselineTests {
    static let changed =
        "baseline: the machine has not started as it was enrolled; if you have changed it, enrol it anew"

    /// A driver that has the firmware's leave patches BULKHEAD.EFI while it is loaded: all but the baseline agrees.
    @Test func aDriverThatPatchesTheProgram() throws {
        let driver = LoggedEvent(pcr: 2, type: 0x8000_0004, of: [UInt8](repeating: 0x4D, count: 600), data: [1, 2, 3])
        let machine = try AttestedMachine { $0.insert(driver, at: 1) }
        let evidence = try machine.evidence(), found = try AttestedMachine.complaints(evidence, machine.demand())
        #expect(found.count == 1)
        let lines = try #require(found.first).split(separator: "\n")
        #expect(lines.count == 3 && lines[0] == Self.changed, "\(lines)")
        #expect(
            lines[1].hasPrefix(
                "PCR 2, drivers that the firmware has loaded, from cards or from a disk (sha256): enrolled "))
        #expect(lines[2].hasPrefix("an event that the enrolment has not: type 80000004h, "))
        // What a machine without a baseline can be told.
        var blind = try machine.demand()
        blind.baseline = nil
        let check = try EvidenceCheck(evidence, blind)
        #expect(check.isGood)
        let note = try #require(check.findings.first { $0.name == "baseline" })
        #expect(note.state == .note && note.words.hasPrefix("not compared: which firmware has run, which drivers"))
    }

    /// Who has enrolled own keys has Secure Boot on, too.
    @Test func otherKeysOtherFirmwareOtherSettings() throws {
        for (pcr, words) in [
            (0, "PCR 0, the firmware itself"), (3, "PCR 3, the settings of cards and drivers"),
            (7, "PCR 7, whether Secure Boot is on, and whose keys it trusts"),
        ] {
            let event = LoggedEvent(pcr: UInt32(pcr), type: LoggedEvent.variable, of: [UInt8(pcr)])
            let machine = try AttestedMachine { $0.insert(event, at: 2) }
            let found = try AttestedMachine.complaints(machine.evidence(), machine.demand())
            #expect(found.count == 1 && found[0].hasPrefix(Self.changed + "\n" + words), "\(found)")
        }
        let event = LoggedEvent(pcr: 1, type: LoggedEvent.variable, of: [1])
        let settings = try AttestedMachine { $0.insert(event, at: 2) }
        let check = try EvidenceCheck(settings.evidence(), settings.demand())
        #expect(check.isGood)
        #expect(
            check.findings.first { $0.name == "baseline" }?.details
                == ["PCR 1, the firmware's settings, is another one, and may be"])
        let gone = try AttestedMachine { events in events.removeAll { $0.pcr == 0 && $0.type == 8 } }
        let found = try AttestedMachine.complaints(gone.evidence(), gone.demand())
        #expect(found.first?.contains("\nan event of the enrolment is missing: type 8h, ") == true, "\(found)")
    }

    @Test func whatIsNoBaseline() throws {
        let machine = try AttestedMachine(), evidence = try machine.evidence(), other = try AttestedMachine()
        func refusal(_ change: (inout Evidence) -> Void) throws -> [String] {
            var demand = try machine.demand(), baseline = machine.enrolment
            change(&baseline)
            demand.baseline = baseline
            return try AttestedMachine.complaints(evidence, demand)
        }
        let head = "baseline: of the enrolment's evidence: "
        #expect(
            try refusal { $0 = other.enrolment }
                == [head + "it is not signed by the enrolled key: it is another machine's, or was changed"])
        #expect(try refusal { $0.quote[$0.quote.count - 1] ^= 1 }.first?.hasPrefix(head + "it is not signed") == true)
        #expect(try refusal { $0.log[$0.log.count - 1] ^= 1 } == [head + "its nonce or its log was changed"])
        #expect(try refusal { $0.nonce[0] ^= 1 } == [head + "its nonce or its log was changed"])
        #expect(try refusal { $0.values[0] ^= 1 }.first?.hasPrefix(head + "the PCRs' values in the evidence") == true)
        #expect(try refusal { $0.quote[5] = 0x17 }.first?.contains("it attests something else than PCRs") == true)
        // The machine's own quote, of less.
        let some = try machine.evidence(of: [PCRSelection(.sha256, [0, 2, 3, 7])])
        #expect(
            try refusal { $0 = some } == [head + "it is not of PCRs 0 to 15 of the banks SHA-256 and SHA-384 alone"])
    }
}
