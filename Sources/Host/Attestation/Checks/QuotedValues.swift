import TPM

/// Why values or evidence cannot be relied on, in words for people.
struct QuoteRefusal: Error { let words: String }

/// The PCRs' values in evidence, for which the quote vouches.
struct QuotedValues {
    /// In the quote's order; one at least.
    let banks: [PCRBank]
    private let values: [PCRBank: [Int: [UInt8]]]

    subscript(bank: PCRBank) -> [Int: [UInt8]] { values[bank, default: [:]] }

    /// - Parameter key: the quote's digest is by its hash algorithm.
    /// - Throws: where the quote's digest is not of these values.
    init(_ evidence: Evidence, _ quote: Quote, _ key: AttestationKey) throws(QuoteRefusal) {
        var rest = evidence.values[...], values: [PCRBank: [Int: [UInt8]]] = [:]
        let each = QuoteRefusal(words: "the evidence has not one value for each PCR that the TPM quoted")
        for selection in quote.selections where !selection.pcrs.isEmpty {
            guard let bank = selection.bank else { throw each }
            for pcr in selection.pcrs {
                guard rest.count >= bank.bytes else { throw each }
                values[bank, default: [:]][pcr] = Array(rest.prefix(bank.bytes))
                rest = rest.dropFirst(bank.bytes)
            }
        }
        guard rest.isEmpty, !values.isEmpty else { throw each }
        guard key.curve.hash.digest(evidence.values) == quote.digest else {
            throw QuoteRefusal(
                words: "the PCRs' values in the evidence are not those that the TPM quoted: they were changed")
        }
        (banks, self.values) = (quote.selections.compactMap(\.bank).filter { values[$0] != nil }, values)
    }

    /// Those of PCRs 0 to 7 that nobody has extended.
    func untouched(_ bank: PCRBank) -> [Int] {
        (0...7).filter { self[bank][$0].map(PCRBank.isUntouched) == true }
    }
}

extension Quote {
    /// The PCRs that are asked for; all of a bank that is read.
    static let wholePCRs = Array(0...15)

    /// Whether it is of PCRs 0 to 15 of the banks that are read, one at least, and of nothing else.
    var isWhole: Bool {
        let used = selections.filter { $0.bank != nil || !$0.pcrs.isEmpty }
        return !used.isEmpty && used.allSatisfy { $0.bank != nil && $0.pcrs == Self.wholePCRs }
    }
}
