import TPM

/// What a machine's TPM said when the machine was enrolled, once it is found that the enrolled key has signed it.
struct EnrolledStart {
    let values: QuotedValues
    let events: [LoggedEvent]

    /// - Parameter signer: the qualified name of the key that has signed the evidence which is compared to it.
    /// - Throws: `QuoteRefusal` where the evidence is not of this machine, or was changed; `MachineError` where a signature cannot be
    ///   checked here at all.
    init(_ evidence: Evidence, _ key: AttestationKey, signer: [UInt8]) throws {
        let quote: Quote, signature: QuoteSignature
        do throws(EvidenceError) {
            (quote, signature) = (try Quote(evidence.quote), try QuoteSignature(evidence.signature))
            events = try EventLog(evidence.log).events
        } catch { throw QuoteRefusal(words: "\(error)") }
        func demand(_ holds: Bool, _ words: String) throws(QuoteRefusal) {
            if !holds { throw QuoteRefusal(words: words) }
        }
        try demand(
            try key.hasSigned(evidence.quote, signature),
            "it is not signed by the enrolled key: it is another machine's, or was changed")
        try demand(quote.qualifiedSigner == signer, "its key had other attributes or another parent")
        try demand(quote.qualification == evidence.qualification, "its nonce or its log was changed")
        try demand(quote.isWhole, "it is not of PCRs 0 to 15 of the banks SHA-256 and SHA-384 alone")
        values = try QuotedValues(evidence, quote, key)
    }
}
