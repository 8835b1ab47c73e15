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
        // The machine says that what the firmware has measured were something else.
        let renamed = try AttestedMachine(secureBoot: false) { events in
            for i in events.indices where events[i].pcr == 7 { (events[i].type, events[i].data) = (8, [1]) }
            events.append(on)
        }
        let found = try #require(try findings(renamed, required: true)["secure-boot"])
        #expect(found.state == .bad && found.words == "the log does not begin PCR 7 with it")
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
        // The machine says that it were no program.
        let program = [UInt8](repeating: 0x4D, count: 600)
        for (type, data) in [
            (UInt32(0x8000_0007), Array("Calling EFI Application".utf8)), (4, [0, 0, 0, 0]), (13, program),
        ] {
            let hidden = try AttestedMachine {
                $0.insert(LoggedEvent(pcr: 4, type: type, of: program, data: data), at: 1)
            }
            #expect(try findings(hidden, required: true)["program"]?.state == .bad)
        }
        // What firmware says in words, and a driver of a card.
        let remark = try AttestedMachine { events in
            events.insert(LoggedEvent(pcr: 4, type: 0x8000_0007, of: Array("Calling EFI Application".utf8)), at: 1)
            events.insert(LoggedEvent(pcr: 2, type: 0x8000_0004, of: program, data: [1, 2, 3]), at: 1)
        }
        let good = try #require(try findings(remark, required: true)["program"])
        #expect(good.state == .good && good.details.count == 1 && good.details[0].contains("drivers (PCR 2: 1)"))
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
