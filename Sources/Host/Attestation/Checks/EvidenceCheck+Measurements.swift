import Keys
import SignedImages
import TPM

/// From the quote's one digest to what the machine has started.
extension EvidenceCheck {
    private typealias Values = [PCRBank: [Int: [UInt8]]]

    /// PCRs that firmware and Bulkhead alone extend. Others are the running system's, which logs elsewhere: Linux's IMA extends PCR 10.
    static let logged = Set(0...7).union([11, 12])

    mutating func checkMeasurements(_ evidence: Evidence, _ quote: Quote, _ log: EventLog, _ demand: EvidenceDemand) {
        let banks = quote.selections.compactMap(\.bank)
        guard let values = Self.values(evidence.values, quote.selections) else {
            return add(.init("log", false, "the evidence has not one value for each PCR that the TPM quoted"))
        }
        guard demand.key.curve.hash.digest(evidence.values) == quote.digest else {
            return add(
                .init(
                    "log", false,
                    "the PCRs' values in the evidence are not those that the TPM quoted: they were changed"))
        }
        checkReplay(values, banks, log)
        checkVolume(values, banks, log, demand)
        checkProgram(banks, log, demand)
        checkSecureBoot(banks, log, demand)
    }

    private static func values(_ bytes: [UInt8], _ selections: [Quote.Selection]) -> Values? {
        var rest = bytes[...], values: Values = [:]
        for selection in selections {
            guard let bank = selection.bank else {
                if selection.pcrs.isEmpty { continue }
                return nil
            }
            for pcr in selection.pcrs {
                guard rest.count >= bank.bytes else { return nil }
                values[bank, default: [:]][pcr] = Array(rest.prefix(bank.bytes))
                rest = rest.dropFirst(bank.bytes)
            }
        }
        return rest.isEmpty ? values : nil
    }

    private mutating func checkReplay(_ values: Values, _ banks: [PCRBank], _ log: EventLog) {
        var wrong: [String] = [], later: Set<Int> = []
        for bank in banks {
            let replayed = log.replay(bank)
            for (pcr, value) in values[bank, default: [:]].sorted(by: { $0.key < $1.key }) where replayed[pcr] != value
            {
                if Self.logged.contains(pcr) {
                    wrong.append(
                        "PCR \(pcr) (\(bank.name)): quoted \(Self.digits(value)), the log leads to \(Self.digits(replayed[pcr]))"
                    )
                } else {
                    later.insert(pcr)
                }
            }
        }
        let notes = later.sorted().map { "PCR \($0) was extended beyond the firmware's log, by the running system" }
        if wrong.isEmpty {
            add(.init("log", true, "its \(log.events.count) events lead to the PCRs that the TPM quoted", notes))
        } else {
            add(
                .init(
                    "log", false,
                    "the log does not lead to the PCRs that the TPM quoted: an event was changed, added or left out",
                    wrong + notes))
        }
    }

    private static func digits(_ value: [UInt8]) -> String { SecretFile.hexadecimal(Array(value.prefix(8))) + "…" }

    private mutating func checkVolume(
        _ values: Values, _ banks: [PCRBank], _ log: EventLog, _ demand: EvidenceDemand
    ) {
        for (pcr, what) in [(11, "who decides"), (12, "what was decided")] {
            let wrong = banks.filter { bank in
                values[bank]?[pcr].map { SecretFile.hexadecimal($0) } != demand.expected.pcrs[bank.name]?["\(pcr)"]
            }
            guard let bank = wrong.first else {
                add(.init("pcr-\(pcr)", true, "\(what): as \(demand.volume) says"))
                continue
            }
            let events = log.events.filter { $0.pcr == pcr && $0.type != LoggedEvent.noAction }
            let differences = MeasurementDifference.words(
                demand.expected.events.filter { $0.pcr == pcr }, events.map(MeasuredEvent.init), bank,
                volume: demand.volume)
            // The log that leads elsewhere, by the check before, tells nothing of what was measured.
            let unknown = "the log has the events of \(demand.volume), and the TPM has measured something else"
            add(
                .init(
                    "pcr-\(pcr)", false, "\(what): not as \(demand.volume) says",
                    differences.isEmpty ? [unknown] : differences))
        }
    }

    /// PCR 11 and 12 are worth what the program is that has extended them: another one can do that too.
    private mutating func checkProgram(_ banks: [PCRBank], _ log: EventLog, _ demand: EvidenceDemand) {
        var wanted: [PCRBank: [UInt8]] = [:]
        do throws(EvidenceError) {
            for bank in banks { wanted[bank] = try ProgramDigest.digest(of: demand.program, bank) }
        } catch { return add(.init("program", false, "\(demand.volume): \(error)")) }
        let started = log.events.filter { $0.pcr == 4 && $0.type == LoggedEvent.application }
        let others = started.filter { event in banks.contains { event.digests[$0] != wanted[$0] } }
        let digests = others.map { event in
            let digest = banks.first.flatMap { event.digests[$0] }.map(Self.digits) ?? "none"
            return "the firmware started a program that is not in \(demand.volume): \(digest)"
        }
        if others.count == started.count {
            add(.init("program", false, "the firmware has not started the BULKHEAD.EFI of \(demand.volume)", digests))
        } else if !others.isEmpty {
            add(
                .init(
                    "program", false, "the BULKHEAD.EFI of \(demand.volume) is not all that the firmware has started",
                    digests))
        } else {
            add(.init("program", true, "the firmware has started the BULKHEAD.EFI of \(demand.volume), and no other"))
        }
    }

    private mutating func checkSecureBoot(_ banks: [PCRBank], _ log: EventLog, _ demand: EvidenceDemand) {
        let otherwise: EvidenceFinding.State = demand.requiresSecureBoot ? .bad : .note
        switch SecureBootState(log, banks) {
        case .on: add(.init("secure-boot", true, "on"))
        case .off: add(.init("secure-boot", otherwise, "off: who writes to the boot volume replaces the program"))
        case .notLogged: add(.init("secure-boot", otherwise, "the log does not say whether it is on"))
        case .forged(let why): add(.init("secure-boot", false, "forged: \(why)"))
        }
    }
}
