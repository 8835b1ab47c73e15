/// Words for people that are known when the program is built: what the cases of an enumeration stand for, where each is
/// one thing to say.
public struct Words: ExpressibleByStringLiteral, Equatable, Sendable {
    public let text: StaticString

    public init(stringLiteral text: StaticString) { self.text = text }

    public static func == (a: Words, b: Words) -> Bool {
        guard a.text.utf8CodeUnitCount == b.text.utf8CodeUnitCount else { return false }
        for i in 0..<a.text.utf8CodeUnitCount where unsafe a.text.utf8Start[i] != b.text.utf8Start[i] { return false }
        return true
    }
}
