import TPM

/// From the start at which the machine was enrolled to this one: what nobody can compute from the volume.
extension EvidenceCheck {
    /// What a machine starts with as long as nobody updates its firmware, changes its cards or enrols other keys for Secure Boot.
    private static let kept: [(pcr: Int, meaning: String)] = [
        (0, "the firmware itself"), (2, "drivers that the firmware has loaded, from cards or from a disk"),
        (3, "the settings of cards and drivers"),
        (7, "whether Secure Boot is on, and whose keys it trusts"),
    ]

    mutating func checkFirmware(
        _ values: QuotedValues, _ quote: Quote, _ log: EventLog, _ demand: EvidenceDemand
    ) throws {
        guard let baseline = demand.baseline else {
            checkBanks(values, enrolled: nil)
            let words =
                "not compared: which firmware has run, which drivers, and whose keys Secure Boot trusts is not known"
            return add(.init("baseline", .note, words))
        }
        do {
            let start = try EnrolledStart(baseline, demand.key, signer: quote.qualifiedSigner)
            checkBanks(values, enrolled: start.values)
            checkBaseline(values, log, start)
        } catch let refusal as QuoteRefusal {
            checkBanks(values, enrolled: nil)
            add(.init("baseline", false, "of the enrolment's evidence: \(refusal.words)"))
        }
    }

    /// Who may choose the bank chooses one that the firmware leaves alone, and extends it by what he likes (CVE-2021-42299).
    private mutating func checkBanks(_ values: QuotedValues, enrolled: QuotedValues?) {
        var wrong: [String] = []
        for (each, time) in [(values, ""), (enrolled, " at the enrolment")] {
            guard let each else { continue }
            for bank in each.banks where !each.untouched(bank).isEmpty {
                let pcrs = each.untouched(bank).map(String.init).joined(separator: ", ")
                wrong.append(
                    "\(bank.name)\(time): PCR \(pcrs) not extended: the firmware does not measure into this bank, any program can"
                )
            }
        }
        if let enrolled {
            for bank in enrolled.banks where !values.banks.contains(bank) {
                wrong.append("\(bank.name) was enrolled, and is not quoted")
            }
            for bank in values.banks where !enrolled.banks.contains(bank) {
                wrong.append("\(bank.name) is quoted, and was not enrolled")
            }
        }
        let names = values.banks.map(\.name).joined(separator: " and ")
        if wrong.isEmpty {
            let words = "\(names): extended by the firmware" + (enrolled == nil ? "" : ", and those that were enrolled")
            add(.init("banks", true, words))
        } else {
            add(.init("banks", false, "\(names): a bank is missing, or one says nothing of the firmware", wrong))
        }
    }

    private mutating func checkBaseline(_ values: QuotedValues, _ log: EventLog, _ start: EnrolledStart) {
        let banks = values.banks.filter { start.values.banks.contains($0) }
        func differing(_ pcr: Int) -> PCRBank? { banks.first { values[$0][pcr] != start.values[$0][pcr] } }
        var wrong: [String] = []
        for (pcr, meaning) in Self.kept {
            guard let bank = differing(pcr) else { continue }
            let now = values[bank][pcr].map(Self.digits) ?? "none"
            let then = start.values[bank][pcr].map(Self.digits) ?? "none"
            wrong.append("PCR \(pcr), \(meaning) (\(bank.name)): enrolled \(then), now \(now)")
            wrong += Self.differences(pcr, bank, log.events, start.events)
        }
        if !wrong.isEmpty || banks.isEmpty {
            let words =
                "the machine has not started as it was enrolled; if you have changed it, enrol it anew"
            return add(.init("baseline", false, words, wrong))
        }
        // Who changes an order of boot changes it, and the firmware does when it finds another disk.
        let settings = differing(1) == nil ? [] : ["PCR 1, the firmware's settings, is another one, and may be"]
        let words = "as enrolled: firmware, drivers, their settings, Secure Boot's keys (PCR 0, 2, 3 and 7)"
        add(.init("baseline", true, words, settings))
    }

    /// Events of one PCR that one of two logs has alone; of what is in both, the order is not told.
    private static func differences(
        _ pcr: Int, _ bank: PCRBank, _ now: [LoggedEvent], _ then: [LoggedEvent]
    ) -> [String] {
        func measured(_ events: [LoggedEvent]) -> [LoggedEvent] {
            events.filter { Int($0.pcr) == pcr && $0.type != LoggedEvent.noAction }
        }
        func beyond(_ events: [LoggedEvent], _ others: [LoggedEvent], _ words: String) -> [String] {
            var left = measured(others).map { $0.digests[bank] }
            return measured(events).compactMap { event in
                if let place = left.firstIndex(of: event.digests[bank]) {
                    left.remove(at: place)
                    return nil
                }
                let type = String(event.type, radix: 16, uppercase: true)
                return "\(words): type \(type)h, \(event.digests[bank].map(digits) ?? "none")"
            }
        }
        return beyond(now, then, "an event that the enrolment has not")
            + beyond(then, now, "an event of the enrolment is missing")
    }
}
