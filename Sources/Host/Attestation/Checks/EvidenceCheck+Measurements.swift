import Keys
import SignedImages
import TPM

/// From the quote's one digest to what the machine has started.
extension EvidenceCheck {
    /// PCRs that firmware and Bulkhead alone extend. Others are the running system's, which logs elsewhere: Linux's IMA extends PCR 10.
    static let logged = Set(0...7).union([11, 12])

    mutating func checkMeasurements(
        _ evidence: Evidence, _ quote: Quote, _ log: EventLog, _ demand: EvidenceDemand
    ) throws {
        let values: QuotedValues
        do throws(QuoteRefusal) { values = try QuotedValues(evidence, quote, demand.key) } catch {
            return add(.init("log", false, error.words))
        }
        checkReplay(values, log)
        try checkFirmware(values, quote, log, demand)
        checkVolume(values, log, demand)
        checkProgram(values.banks, log, demand)
        checkSecureBoot(values.banks, log, demand)
    }

    private mutating func checkReplay(_ values: QuotedValues, _ log: EventLog) {
        var wrong: [String] = [], later: Set<Int> = []
        for bank in values.banks {
            let replayed = log.replay(bank)
            for (pcr, value) in values[bank].sorted(by: { $0.key < $1.key }) where replayed[pcr] != value {
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

    static func digits(_ value: [UInt8]) -> String { SecretFile.hexadecimal(Array(value.prefix(8))) + "…" }

    private mutating func checkVolume(_ values: QuotedValues, _ log: EventLog, _ demand: EvidenceDemand) {
        for (pcr, what) in [(11, "who decides"), (12, "what was decided")] {
            let wrong = values.banks.filter { bank in
                values[bank][pcr].map { SecretFile.hexadecimal($0) } != demand.expected.pcrs[bank.name]?["\(pcr)"]
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
        func measured(_ pcr: UInt32) -> [LoggedEvent] {
            log.events.filter { $0.pcr == pcr && $0.type != LoggedEvent.noAction && !Self.isRemark($0, banks) }
        }
        let started = measured(4), drivers = measured(2).count
        let others = started.filter { event in banks.contains { event.digests[$0] != wanted[$0] } }
        let digests = others.map { event in
            let digest = banks.first.flatMap { event.digests[$0] }.map(Self.digits) ?? "none"
            return "the firmware started a program that is not in \(demand.volume): \(digest)"
        }
        if others.count == started.count {
            add(.init("program", false, "the firmware has not started the BULKHEAD.EFI of \(demand.volume)", digests))
        } else if !others.isEmpty {
            let words = "the BULKHEAD.EFI of \(demand.volume) is not all that the firmware has started"
            add(.init("program", false, words, digests))
        } else {
            let note = "the firmware has also loaded drivers (PCR 2: \(drivers)), which only the baseline knows"
            let words = "the firmware has started the BULKHEAD.EFI of \(demand.volume), and no other"
            add(.init("program", true, words, drivers == 0 ? [] : [note]))
        }
    }

    /// Whether an event is a separator or says something in words, and its digest is of that, whatever its type is called: no program
    /// has such a digest.
    private static func isRemark(_ event: LoggedEvent, _ banks: [PCRBank]) -> Bool {
        let isText = event.data.count < 256 && event.data.allSatisfy { 0x20...0x7E ~= $0 }
        return (isText || event.data.count == 4) && banks.allSatisfy { event.digests[$0] == $0.digest(event.data) }
    }

    private mutating func checkSecureBoot(_ banks: [PCRBank], _ log: EventLog, _ demand: EvidenceDemand) {
        let otherwise: EvidenceFinding.State = demand.requiresSecureBoot ? .bad : .note
        switch SecureBootState(log, banks) {
        case .on: add(.init("secure-boot", true, "on"))
        case .off: add(.init("secure-boot", otherwise, "off: who writes to the boot volume replaces the program"))
        case .notLogged: add(.init("secure-boot", otherwise, "the log does not begin PCR 7 with it"))
        case .forged:
            add(.init("secure-boot", false, "forged: the digest of its event is not that of what the event says"))
        }
    }
}
