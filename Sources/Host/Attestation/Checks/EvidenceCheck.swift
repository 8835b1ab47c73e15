import Keys
import TPM

/// Holds evidence against what its owner demands, check by check. Nothing is asked of the machine.
public struct EvidenceCheck: Sendable {
    public private(set) var findings: [EvidenceFinding] = []
    public var isGood: Bool { findings.allSatisfy { $0.state != .bad } }

    /// - Throws: `MachineError` where a signature cannot be checked here at all.
    public init(_ evidence: Evidence, _ demand: EvidenceDemand) throws {
        checkKey(evidence, try? Quote(evidence.quote), demand)
        try checkSignature(evidence, demand)
        let quote = read("quote") { () throws(EvidenceError) in try Quote(evidence.quote) }
        let log = read("log") { () throws(EvidenceError) in try EventLog(evidence.log) }
        if let quote {
            checkSelection(quote)
            checkNonce(evidence, quote, demand)
        }
        if let quote, let log { try checkMeasurements(evidence, quote, log, demand) }
        if let quote { try checkClock(quote, demand) }
    }

    mutating func add(_ finding: EvidenceFinding) { findings.append(finding) }

    private mutating func read<T>(_ name: String, _ body: () throws(EvidenceError) -> T) -> T? {
        do throws(EvidenceError) { return try body() } catch {
            add(.init(name, false, "\(error)"))
            return nil
        }
    }

    /// - Parameter quote: nil: it is none, which its own check says.
    private mutating func checkKey(_ evidence: Evidence, _ quote: Quote?, _ demand: EvidenceDemand) {
        guard let area = read("key", { () throws(EvidenceError) in try AttestationKeyArea(evidence.key) }) else {
            return
        }
        if area.key != demand.key {
            add(
                .init(
                    "key", false,
                    "the evidence names another key than the enrolled one: it is another machine's, or its TPM has made a new key"
                ))
        } else if !area.isForAttestation {
            add(.init("key", false, "the key is not one that signs only what the TPM has made itself"))
        } else if let quote, !area.isSigner(of: quote) {
            add(
                .init(
                    "key", false,
                    "the quote names a key with another area than the evidence has: other attributes, another parent or another key"
                )
            )
        } else if area.ueid != evidence.ueid {
            add(.init("key", false, "the machine's identity in the evidence is not its key's"))
        } else {
            let identity = SecretFile.hexadecimal(Array(area.ueid.dropFirst()))
            add(.init("key", true, "the enrolled one, of the machine \(identity.prefix(16))…"))
        }
    }

    private mutating func checkSignature(_ evidence: Evidence, _ demand: EvidenceDemand) throws {
        guard
            let signature = read(
                "signature", { () throws(EvidenceError) in try QuoteSignature(evidence.signature) })
        else { return }
        let isGood = try demand.key.hasSigned(evidence.quote, signature)
        add(
            .init(
                "signature", isGood,
                isGood
                    ? "the quote is signed by the enrolled key"
                    : "the quote is not signed by the enrolled key, or was changed since"))
    }

    private mutating func checkSelection(_ quote: Quote) {
        if quote.isWhole {
            let names = quote.selections.compactMap(\.bank).map(\.name).joined(separator: " and ")
            add(.init("quote", true, "made by a TPM, of PCRs 0 to 15 (\(names))"))
        } else {
            add(.init("quote", false, "it is not of PCRs 0 to 15 of the banks SHA-256 and SHA-384 alone"))
        }
    }

    private mutating func checkNonce(_ evidence: Evidence, _ quote: Quote, _ demand: EvidenceDemand) {
        func digits(_ nonce: [UInt8]) -> String { SecretFile.hexadecimal(nonce) }
        if evidence.nonce != demand.nonce {
            add(
                .init(
                    "nonce", false,
                    "the evidence answers another question, and may be an old one: asked \(digits(demand.nonce)), evidence has "
                        + digits(evidence.nonce)))
        } else if quote.qualification != evidence.qualification {
            add(.init("nonce", false, "the quote was not made for this nonce and this log: one of them was changed"))
        } else {
            add(.init("nonce", true, "the quote was made for this nonce and this log"))
        }
    }

    private mutating func checkClock(_ quote: Quote, _ demand: EvidenceDemand) throws {
        let now = quote.clock
        guard let earlier = demand.earlier else { return add(.init("clock", .note, now.words)) }
        let last: Quote, signature: QuoteSignature
        do throws(EvidenceError) {
            (last, signature) = (try Quote(earlier.quote), try QuoteSignature(earlier.signature))
        } catch { return add(.init("clock", false, "of the earlier evidence: \(error)")) }
        guard try demand.key.hasSigned(earlier.quote, signature) else {
            return add(.init("clock", false, "the earlier evidence is not signed by the enrolled key"))
        }
        if now.isBefore(last.clock) {
            add(
                .init(
                    "clock", false,
                    "older than evidence that was accepted before: it was rolled back, or the TPM was cleared since (then enrol the "
                        + "machine anew)", ["this one: \(now.words)", "the earlier one: \(last.clock.words)"]))
        } else {
            add(.init("clock", true, "\(now.words); the earlier evidence: \(last.clock.words)"))
        }
    }
}

extension TPMClock {
    var words: String {
        let seconds = milliseconds / 1000
        let time = "\(seconds / 3600) h \(seconds / 60 % 60) min \(seconds % 60) s"
        let trust = isSafe ? "" : ", which may have lost some minutes when the power was cut"
        return "reset \(resets), restart \(restarts), the TPM's clock at \(time)\(trust)"
    }
}
