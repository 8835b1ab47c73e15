import Platform

extension PortAccess {
    /// As silicon packs them.
    public init(port: UInt16, size: Int, input: Bool, string: Bool = false) {
        self.init(
            rawValue: UInt32(port) << 16 | UInt32(truncatingIfNeeded: size & 7) << 4 | (string ? 1 << 2 : 0)
                | (input ? 1 : 0))
    }
}
