/// An error as libvirt's clients know it: a code that programs read, and a text for people.
public struct RemoteError: Error, Equatable, Sendable, CustomStringConvertible {
    /// `virErrorNumber`: those that a server of machines needs.
    public enum Code: Int32, CaseIterable, Sendable {
        case internalError = 1
        case noSupport = 3
        case invalidArgument = 8
        case operationFailed = 9
        case xmlError = 27
        case domainExists = 28
        case operationDenied = 29
        case systemError = 38
        case rpc = 39
        case noDomain = 42
        case noNodeDevice = 53
        case operationInvalid = 55
        case configUnsupported = 67
        case operationTimeout = 68
        case invalidStream = 73
        case noDomainMetadata = 80
        case operationUnsupported = 84
        case resourceBusy = 87
        case accessDenied = 88
    }

    /// `virErrorDomain`: what part of libvirt speaks.
    public enum Domain: Int32, Sendable {
        case rpc = 7
        case nodeDevice = 22
        case streams = 38
        case access = 55
        /// A driver of domains; libvirt has no number for one that it does not know.
        case domain = 20
    }

    public var code: Code
    public var domain: Domain
    public var message: String

    public init(_ code: Code, _ message: String, domain: Domain = .domain) {
        (self.code, self.message, self.domain) = (code, message, domain)
    }

    public var description: String { message }

    /// Bytes of the longest message that is sent: it may quote what a client sent.
    static let maxMessage = 4096

    /// `virNetMessageError`: code, domain, message, level 2 (error), no domain, no texts, no numbers, no network.
    public var encoded: [UInt8] {
        XDRWriter.bytes { writer in
            writer.int32(code.rawValue)
            writer.int32(domain.rawValue)
            writer.optionalString(String(message.prefix(bytes: Self.maxMessage)))
            writer.int32(2)
            writer.bool(false)
            // libvirt's clients print str1 where they make up a message of their own.
            for _ in 0..<3 { writer.bool(false) }
            writer.int32(0)
            writer.int32(0)
            writer.bool(false)
        }
    }
}
