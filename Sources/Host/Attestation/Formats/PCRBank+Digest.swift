import TPM
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
}
