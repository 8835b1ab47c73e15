import Trust

extension PCRBank {
    /// By the bank's hash algorithm.
    public func digest(_ content: [UInt8]) -> [UInt8] {
        switch self {
        case .sha256:
            var hash = SHA256()
            hash.put(content.span)
            let words = hash.finish()
            return (0..<bytes).map { UInt8(truncatingIfNeeded: words[$0 / 4] >> UInt32(24 - $0 % 4 * 8)) }
        case .sha384:
            var hash = SHA384()
            for byte in content { hash.put(byte) }
            let digest = hash.finish()
            return (0..<bytes).map { digest[$0] }
        }
    }

    /// Whether nobody has extended the PCR that has this value since the TPM was started: zeros, or ones. A firmware ends each of PCRs 0 to 7
    /// by a separator (TCG PC Client Platform Firmware Profile 1.05, section 3.3.4), in each bank that it knows; in others any program extends
    /// them by what it likes. The last byte may be the locality of the start.
    public static func isUntouched(_ value: [UInt8]) -> Bool {
        let digits = value.dropLast()
        return digits.allSatisfy { $0 == 0 } || digits.allSatisfy { $0 == 0xFF }
    }
}
