import Manifest

/// What is behind a refusal, for somebody who has its number or the line of the hypervisor's console.
public struct RefusalExplanation: Sendable {
    public let reason: ManifestRefusal.Reason
    /// What the line says of this machine and this manifest; nil when only the number is known.
    public let told: String?

    /// - Parameter text: `84`, `R84`, or a line that is, or begins behind `refused:`, with `R84`.
    public init?(_ text: String) {
        let words = text.split { $0.isWhitespace }.map(String.init)
        let start = words.firstIndex(of: "refused:").map { $0 + 1 } ?? 0
        guard start < words.count else { return nil }
        let digits = words[start].first.map { "Rr".contains($0) } == true ? words[start].dropFirst() : words[start][...]
        guard let number = UInt8(digits), let reason = ManifestRefusal.Reason(number: number) else { return nil }
        self.reason = reason
        told = start + 1 == words.count ? nil : words[(start + 1)...].joined(separator: " ")
    }

    /// The sentence, then what to change.
    public var text: String {
        var sentence = told ?? reason.phrase
        if reason == .hypervisor(.encoding), let code = cborCode { sentence += " (\(CBORWords.words(code)))" }
        return "R\(reason.number): \(sentence).\n\(reason.advice)"
    }

    /// The number in `(CBOR error 8)`.
    private var cborCode: UInt64? {
        guard let told, let words = told.split(separator: "CBOR error ").dropFirst().first else { return nil }
        return UInt64(words.prefix { $0.isNumber })
    }
}
