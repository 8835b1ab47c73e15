import TPM
import Testing

@testable import Attestation

/// What evidence says of Secure Boot, of the program and of the running system.
@Suite struct MachineStateTests {
    private func findings(_ machine: AttestedMachine, required: Bool) throws -> [String: EvidenceFinding] {
        let check = try EvidenceCheck(machine.evidence(), machine.demand(requiresSecureBoot: required))
        return Dictionary(uniqueKeysWithValues: check.findings.map { ($0.name, $0) })
    }

    @Test func secureBootOnOffAndNotLogged() throws {
        let on = try AttestedMachine(secureBoot: true)
        #expect(try findings(on, required: true)["secure-boot"]?.state == .good)
        for machine in [try AttestedMachine(secureBoot: false), try AttestedMachine(secureBoot: nil)] {
            #expect(try findings(machine, required: true)["secure-boot"]?.state == .bad)
            #expect(try findings(machine, required: false)["secure-boot"]?.state == .note)
        }
    }

    /// The data of an event are the machine's word, its digest the TPM's.
    @Test func secureBootThatIsOnInTheLogAlone() throws {
        let machine = try AttestedMachine(secureBoot: false) { events in
            let i = events.firstIndex { $0.type == LoggedEvent.variable } ?? 0
            events[i].data[events[i].data.count - 1] = 1
        }
        for required in [true, false] {
            let found = try #require(try findings(machine, required: required)["secure-boot"])
            #expect(found.state == .bad && found.words.hasPrefix("forged: the digest of its event"))
        }
        // Measured by a program, behind what the firmware has measured.
        let on = LoggedEvent(pcr: 7, type: LoggedEvent.variable, of: SecureBootState.data(isOn: true))
        let late = try AttestedMachine(secureBoot: false) { $0.append(on) }
        #expect(try findings(late, required: true)["secure-boot"]?.words.hasPrefix("off") == true)
        let twice = try AttestedMachine(secureBoot: false) { $0.insert(on, at: 0) }
        #expect(try findings(twice, required: false)["secure-boot"]?.state == .bad)
    }

    /// Another program can extend PCR 11 and 12 by the same values.
    @Test func anotherProgram() throws {
        let other = LoggedEvent(pcr: 4, type: LoggedEvent.application, of: [3])
        let instead = try AttestedMachine { events in
            let i = events.firstIndex { $0.type == LoggedEvent.application } ?? 0
            events[i] = other
        }
        let found = try #require(try findings(instead, required: true)["program"])
        #expect(found.state == .bad && found.words == "the firmware has not started the BULKHEAD.EFI of VOLUME")
        #expect(found.details == ["the firmware started a program that is not in VOLUME: 084fed08b978af4d…"])
        let before = try AttestedMachine { $0.insert(other, at: 1) }
        let both = try #require(try findings(before, required: true)["program"])
        #expect(both.state == .bad && both.words.contains("is not all that the firmware has started"))
    }

    /// Linux's IMA extends PCR 10; nobody but firmware and Bulkhead extends the others.
    @Test func theRunningSystemHasPCRsOfItsOwn() throws {
        let machine = try AttestedMachine(), one = [UInt8](repeating: 1, count: 32)
        try machine.tpm.extend(10, [.sha256: one])
        let log = try #require(try findings(machine, required: true)["log"])
        #expect(log.state == .good && log.details.count == 1 && log.details[0].hasPrefix("PCR 10 was extended"))
        try machine.tpm.extend(4, [.sha256: one])
        let bad = try #require(try findings(machine, required: true)["log"])
        #expect(bad.state == .bad && bad.details.first?.hasPrefix("PCR 4 (sha256): quoted") == true)
    }
}
