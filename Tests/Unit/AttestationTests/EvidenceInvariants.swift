import TPM

#if canImport(Attestation)
    @testable import Attestation
#endif

/// What holds of every part of evidence that was read, and which of it does not. Unit tests and the fuzzer hold whatever is read
/// against it; there the parsers are compiled with it.
/// - Parameter input: the first byte says which part the rest is.
/// - Returns: whether it was read; else why not.
func brokenEvidence(_ input: [UInt8]) -> (isRead: Bool, broken: [String]) {
    guard let kind = input.first else { return (false, []) }
    let rest = Array(input.dropFirst())
    var broken: [String] = []
    func demand(_ holds: Bool, _ what: String) { if !holds { broken.append(what) } }
    do throws(EvidenceError) {
        switch kind {
        case 0:
            let evidence = try Evidence(rest)
            demand(try evidence.encode() == rest, "encoded otherwise")
            demand(Evidence.nonceBytes.contains(evidence.nonce.count), "a nonce without bounds")
        case 1:
            let log = try EventLog(rest)
            demand(log.events.count * 16 <= rest.count, "more events than bytes")
            for bank in PCRBank.allCases {
                demand(log.replay(bank).allSatisfy { $0.count == bank.bytes }, "a value of another length")
                demand(log.banks.contains(bank) || log.events.allSatisfy { $0.digests[bank] == nil }, "a bank's digest")
            }
            _ = SecureBootState(log, PCRBank.allCases)
        case 2:
            let quote = try Quote(rest)
            demand(quote.selections.allSatisfy { $0.pcrs.allSatisfy { $0 < 32 } }, "a PCR beyond 31")
            demand(!quote.clock.isBefore(quote.clock), "a clock before itself")
        case 3:
            let der = try QuoteSignature(rest).der
            demand(der.count == 2 + Int(der[1]) && (8...106).contains(der.count), "DER of \(der.count) bytes")
        case 4:
            let area = try AttestationKeyArea(rest)
            demand(AttestationKey(pem: area.key.pem) == area.key, "another key in PEM")
            demand(area.ueid.count == 33, "a UEID of \(area.ueid.count) bytes")
        default:
            demand(try ProgramDigest.digest(of: rest, .sha256).count == 32, "a digest of another length")
        }
        return (true, broken)
    } catch {
        // Of a program the place that should be there is named.
        demand(error.offset >= 0 && (kind > 4 || error.offset <= rest.count), "an offset that is not there: \(error)")
        return (false, broken)
    }
}
