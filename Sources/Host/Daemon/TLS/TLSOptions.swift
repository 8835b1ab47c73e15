/// How clients are served over TLS.
public struct TLSOptions: Sendable {
    public var address: ListenAddress
    /// An authority's `servers/NAME`.
    public var folder: String
    /// Whether TLS 1.3 is spoken too. libvirt's clients before 12 hang on what NIOSSL sends behind its handshake.
    public var allows13: Bool

    public init(address: ListenAddress, folder: String, allows13: Bool = false) {
        (self.address, self.folder, self.allows13) = (address, folder, allows13)
    }
}
