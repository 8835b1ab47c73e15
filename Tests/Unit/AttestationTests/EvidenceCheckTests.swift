import TPM
import Testing

@testable import Attestation

/// Evidence of a TPM, good and forged.
@Suite struct EvidenceCheckTests {
    @Test func whatAgreesIsGood() throws {
        let machine = try AttestedMachine()
        let check = try EvidenceCheck(machine.evidence(), machine.demand())
        #expect(check.isGood && check.findings.filter { $0.state == .bad } == [])
        let names = [
            "key", "signature", "quote", "nonce", "log", "banks", "baseline", "pcr-11", "pcr-12", "program",
            "secure-boot", "clock",
        ]
        #expect(check.findings.map(\.name) == names)
        #expect(check.findings.allSatisfy { $0.details.isEmpty })
    }

    /// A log that tells of the owner's kernel, where the TPM has another one: as it was changed on its way, and as a machine that lies
    /// has it quoted.
    @Test func aForgedLog() throws {
        let machine = try AttestedMachine { events in
            let i = events.firstIndex { $0.data.suffix(10) == Array("second.elf".utf8)[...] } ?? 0
            for bank in PCRBank.allCases { events[i].digests[bank] = bank.digest([6, 6, 6]) }
        }
        let honest = try AttestedMachine.complaints(machine.evidence(), machine.demand())
        #expect(honest.count == 1)
        #expect(honest.first?.contains("the kernel second.elf measured is not the one in VOLUME: expected ") == true)
        let good = bytes(try #require(machine.expected.events.first { $0.name == "second.elf" }).sha256)
        let bad = PCRBank.sha256.digest([6, 6, 6])
        let place = try #require((0..<machine.tpm.log.count).first { machine.tpm.log[$0...].starts(with: bad) })
        var log = machine.tpm.log
        log.replaceSubrange(place..<place + 32, with: good)
        var changed = try machine.evidence()
        changed.log = log
        let onItsWay = try AttestedMachine.complaints(changed, machine.demand())
        #expect(onItsWay.contains { $0.hasPrefix("nonce: the quote was not made for this nonce and this log") })
        let lied = try AttestedMachine.complaints(
            machine.tpm.connect().evidence(nonce: AttestedMachine.nonce, log: log), machine.demand())
        let words =
            "log: the log does not lead to the PCRs that the TPM quoted: an event was changed, added or left out"
        #expect(lied.first?.hasPrefix(words + "\nPCR 12 (sha256): quoted ") == true, "\(lied)")
        #expect(lied.last?.hasPrefix("pcr-12: what was decided: not as VOLUME says") == true)
    }

    @Test func aReplayedNonce() throws {
        let machine = try AttestedMachine(), demand = try machine.demand()
        var old = try machine.evidence([UInt8](repeating: 1, count: 32))
        #expect(
            try AttestedMachine.complaints(old, demand).map { $0.prefix(56) }
                == ["nonce: the evidence answers another question, and may be"])
        old.nonce = demand.nonce
        #expect(
            try AttestedMachine.complaints(old, demand)
                == ["nonce: the quote was not made for this nonce and this log: one of them was changed"])
    }

    @Test func aSwappedManifest() throws {
        let machine = try AttestedMachine { events in
            let i = events.firstIndex { $0.data.suffix(13) == Array("manifest.cbor".utf8)[...] } ?? 0
            for bank in PCRBank.allCases { events[i].digests[bank] = bank.digest([1]) }
        }
        let found = try AttestedMachine.complaints(machine.evidence(), machine.demand())
        let digest = try #require(machine.expected.events.first { $0.object == "manifest" }).sha256.prefix(16)
        #expect(
            found == [
                "pcr-12: what was decided: not as VOLUME says\nthe manifest measured is not the one in VOLUME: expected \(digest)…, "
                    + "log has 4bf5122f344554c5…"
            ])
    }

    @Test func anotherKeyAndAnotherMachine() throws {
        let machine = try AttestedMachine(), other = try AttestedMachine()
        // Same volume, same log, another TPM.
        var theirs = try other.evidence()
        let found = try AttestedMachine.complaints(theirs, machine.demand())
        #expect(
            found.map { $0.prefix(38) } == [
                "key: the evidence names another key th", "signature: the quote is not signed by ",
                "baseline: of the enrolment's evidence:",
            ])
        // It says that it were the enrolled one.
        let ours = try machine.evidence()
        (theirs.key, theirs.ueid) = (ours.key, ours.ueid)
        #expect(
            try AttestedMachine.complaints(theirs, machine.demand())
                == [
                    "key: the quote names a key with another area than the evidence has: other attributes, another parent or another key",
                    "signature: the quote is not signed by the enrolled key, or was changed since",
                    "baseline: of the enrolment's evidence: its key had other attributes or another parent",
                ])
        // Somebody else's key in the evidence, although the quote is good.
        var mixed = ours
        mixed.key = try other.evidence().key
        #expect(
            try AttestedMachine.complaints(mixed, machine.demand()).first?.hasPrefix("key: the evidence names") == true)
        var unrestricted = ours
        // The byte of TPMA_OBJECT with sign and restricted.
        unrestricted.key[5] &= ~1
        #expect(
            try AttestedMachine.complaints(unrestricted, machine.demand())
                == ["key: the key is not one that signs only what the TPM has made itself"])
    }

    @Test func eventsThatAreMissingOrTooMany() throws {
        let missing = try AttestedMachine { events in
            events.removeAll { $0.data.suffix(10) == Array("second.elf".utf8)[...] }
        }
        let words = "pcr-12: what was decided: not as VOLUME says\n"
        #expect(
            try AttestedMachine.complaints(missing.evidence(), missing.demand())
                == [words + "an event is missing: kernel second.elf"])
        let more = try AttestedMachine { events in
            events.append(LoggedEvent(pcr: 12, type: 13, of: [7]))
        }
        #expect(
            try AttestedMachine.complaints(more.evidence(), more.demand())
                == [words + "the log has an event that VOLUME does not: event of type Dh, ca358758f6d27e6c…"])
        // A refusal before this start, as the hypervisor measures it.
        let refused = try AttestedMachine { events in
            let first = events.firstIndex { $0.pcr == 11 } ?? 0
            let data: [UInt8] = [0, 0x4B, 0x4C, 0x42, 7, 0, 0, 0] + Array("refused".utf8)
            events.insert(LoggedEvent(pcr: 11, type: LoggedEvent.tag, of: Array("refused".utf8), data: data), at: first)
        }
        let found = try AttestedMachine.complaints(refused.evidence(), refused.demand())
        #expect(found.count == 1)
        #expect(found.first?.contains("\nthe log has an event that VOLUME does not: refused, ") == true, "\(found)")
        // Not in the log, although the TPM was extended by it.
        try missing.tpm.extend(12, [.sha256: [UInt8](repeating: 1, count: 32)])
        let hidden = try AttestedMachine.complaints(missing.evidence(), missing.demand())
        #expect(hidden.first?.hasPrefix("log: the log does not lead to") == true)
    }

    @Test func evidenceThatWasRolledBack() throws {
        let machine = try AttestedMachine()
        let first = try machine.evidence()
        // The TPM's clock counts milliseconds.
        var second = try machine.evidence()
        while try Quote(second.quote).clock == Quote(first.quote).clock { second = try machine.evidence() }
        #expect(try AttestedMachine.complaints(second, machine.demand(earlier: first)) == [])
        #expect(try AttestedMachine.complaints(first, machine.demand(earlier: first)) == [])
        let found = try AttestedMachine.complaints(first, machine.demand(earlier: second))
        #expect(
            found.count == 1 && found.first?.hasPrefix("clock: older than evidence that was accepted before") == true)
        let other = try AttestedMachine()
        #expect(
            try AttestedMachine.complaints(second, machine.demand(earlier: other.evidence()))
                == ["clock: the earlier evidence is not signed by the enrolled key"])
    }

    @Test func aResetIsLaterWhateverTheClockSays() {
        func clock(_ time: UInt64, _ resets: UInt32, _ restarts: UInt32) -> TPMClock {
            TPMClock(milliseconds: time, resets: resets, restarts: restarts, isSafe: true)
        }
        #expect(clock(9, 1, 0).isBefore(clock(1, 2, 0)) && !clock(1, 2, 0).isBefore(clock(9, 1, 5)))
        #expect(clock(9, 1, 0).isBefore(clock(9, 1, 1)) && clock(8, 1, 1).isBefore(clock(9, 1, 1)))
        #expect(!clock(9, 1, 1).isBefore(clock(9, 1, 1)))
    }

    /// One bit anywhere in what the machine has sent.
    @Test(.timeLimit(.minutes(5))) func aFlippedBit() throws {
        let machine = try AttestedMachine(), demand = try machine.demand(), good = try machine.evidence()
        func flip(
            _ part: WritableKeyPath<Evidence, [UInt8]>, _ expected: [String], samples: Int,
            _ location: SourceLocation = #_sourceLocation
        ) throws {
            let bits = good[keyPath: part].count * 8
            for bit in stride(from: 0, to: bits, by: max(1, bits / samples)) {
                var bad = good
                bad[keyPath: part][bit / 8] ^= 1 << UInt8(bit % 8)
                let found = try AttestedMachine.complaints(bad, demand)
                let isTold = found.contains { words in expected.contains { words.hasPrefix($0) } }
                #expect(isTold, "bit \(bit): \(found)", sourceLocation: location)
            }
        }
        try flip(\.quote, ["signature: the quote is not signed by the enrolled key"], samples: 80)
        try flip(\.signature, ["signature: "], samples: 80)
        try flip(\.nonce, ["nonce: the evidence answers another question"], samples: 20)
        try flip(
            \.log, ["nonce: the quote was not made for this nonce and this log", "log: the event log cannot"],
            samples: 80)
        try flip(\.values, ["log: the PCRs' values in the evidence are not those"], samples: 20)
        try flip(\.key, ["key: "], samples: 60)
        try flip(\.ueid, ["key: the machine's identity in the evidence is not its key's"], samples: 20)
    }

    /// The file as a whole: one that can be read has another meaning, and none that has is good.
    @Test func aFlippedBitOfTheFile() throws {
        let machine = try AttestedMachine(), demand = try machine.demand(), good = try machine.evidence().encode()
        var read = 0
        for bit in stride(from: 0, to: good.count * 8, by: 229) {
            var bad = good
            bad[bit / 8] ^= 1 << UInt8(bit % 8)
            guard let evidence = try? Evidence(bad) else { continue }
            read += 1
            #expect(try evidence.encode() == bad && !EvidenceCheck(evidence, demand).isGood, "bit \(bit)")
        }
        #expect(read > 20)
    }
}
