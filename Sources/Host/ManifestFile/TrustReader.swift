import Manifest
import Trust

/// The least version that a machine starts from then on.
func parseSecurityVersion(_ text: String) throws(ValueError) -> UInt64 {
    guard let version = parseNumber(text).flatMap({ UInt64(exactly: $0) }), 1...Manifest.maxSecurityVersion ~= version
    else {
        throw ValueError(
            reason: "\(quoted(text)) is not a security version",
            hint: "write 1 to \(Manifest.maxSecurityVersion), or leave it out: old manifests are not refused")
    }
    return version
}

/// A secret by its digest: a manifest is no secret itself.
func parseSecret(_ text: String) throws(ValueError) -> Digest384 {
    let digits = text.compactMap(\.hexDigitValue)
    guard digits.count == 2 * Digest384.bytes, digits.count == text.count else {
        throw ValueError(
            reason: "\(quoted(text)) is not a SHA-384 digest",
            hint: "write what `sha384sum FILE` or `bulkhead seal` says of the secret: 96 hexadecimal digits")
    }
    var digest = Digest384()
    for i in 0..<Digest384.bytes { digest[i] = UInt8(digits[2 * i] << 4 | digits[2 * i + 1]) }
    return digest
}
