import NIOCore

/// Where something is served: `PORT` on this machine alone, or `ADDRESS:PORT`, with `[...]` around an IPv6 address.
public struct ListenAddress: Equatable, Sendable {
    public let host: String
    /// 0: any that is free.
    public let port: Int

    /// Of one that cannot be used, in a sentence.
    public static let rule = "no port and no address with one: write 9100, 127.0.0.1:9100 or [::1]:9100, say"

    /// nil: it is none. A name is not looked up: what it stands for may change.
    public init?(_ text: String) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard let last = parts.last, !last.isEmpty, last.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            let port = UInt16(last)
        else { return nil }
        var host = text.dropLast(last.count + 1)
        if parts.count == 1 { host = "127.0.0.1" }
        let isBracketed = host.hasPrefix("[") && host.hasSuffix("]")
        guard isBracketed || parts.count <= 2 else { return nil }
        if isBracketed { host = host.dropFirst().dropLast() }
        guard (try? SocketAddress(ipAddress: String(host), port: Int(port))) != nil else { return nil }
        (self.host, self.port) = (String(host), Int(port))
    }
}
