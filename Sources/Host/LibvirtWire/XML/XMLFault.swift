/// Why a text is not the XML that is taken: what, and in which line.
public struct XMLFault: Error, Equatable, CustomStringConvertible {
    public var line: Int
    public var reason: String

    public init(line: Int, reason: String) { (self.line, self.reason) = (line, reason) }

    public var description: String { "line \(line): \(reason)" }
}

/// How much of XML is taken from a stranger.
public struct XMLLimits: Sendable {
    /// Bytes of the text.
    public var size = 4 << 20
    /// Elements within elements.
    public var depth = 64
    /// Attributes of one element.
    public var attributes = 64
    /// Elements in all.
    public var elements = 65_536

    public init() {}
}
