import TPM

extension TPMConnection {
    /// The present values of PCRs, of which firmware has extended those that it measures to (0 to 7). A bank that firmware does not
    /// extend holds zeros, or ones (TCG PC Client Platform Firmware Profile, section 3.2.3), and whoever runs could extend it.
    /// - Parameter banks: those that are active.
    /// - Throws: `SealError.unmeasured` for a PCR 0 to 7 of zeros or ones, with the bank to take in its place; `TPMError`.
    func readMeasured(_ selection: PCRSelection, of banks: [PCRBank]) throws -> [Int: [UInt8]] {
        let values = try readPCRs(selection)
        guard let pcr = Self.unmeasured(values) else { return values }
        let better = try banks.first { bank in
            try bank != selection.bank && Self.unmeasured(readPCRs(PCRSelection(bank, selection.numbers))) == nil
        }
        throw SealError.unmeasured(pcr: pcr, bank: selection.bank.name, better: better?.name)
    }

    /// The first one that firmware has not extended.
    private static func unmeasured(_ values: [Int: [UInt8]]) -> Int? {
        values.filter { (0...7).contains($0.key) && PCRBank.isUntouched($0.value) }.keys.min()
    }
}
