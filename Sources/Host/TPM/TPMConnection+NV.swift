/// What an NV index is: TPMS_NV_PUBLIC.
public struct NVPublic: Equatable, Sendable {
    public var index: UInt32
    /// TPM_ALG_ID of its name.
    public var algorithm: UInt16
    /// TPMA_NV (Part 2, section 13.4).
    public var attributes: UInt32
    public var policy: [UInt8]
    /// Bytes.
    public var size: UInt16

    /// TPMA_NV_WRITTEN: it has a value.
    public static let written: UInt32 = 1 << 29

    /// TPMS_NV_PUBLIC: its digest is part of the index's name (Part 1, section 16).
    public func write(to writer: inout TPMWriter) {
        writer.put(index)
        writer.put(algorithm)
        writer.put(attributes)
        writer.put(sized: policy)
        writer.put(size)
    }

    public init(
        index: UInt32, algorithm: UInt16 = TPMTemplate.Algorithm.sha256, attributes: UInt32, policy: [UInt8] = [],
        size: UInt16
    ) {
        (self.index, self.algorithm, self.attributes) = (index, algorithm, attributes)
        (self.policy, self.size) = (policy, size)
    }
}

/// NV memory, whose indices have an empty password.
extension TPMConnection {
    /// - Returns: nil where there is no such index.
    public func readNVPublic(_ index: UInt32) throws(TPMError) -> NVPublic? {
        do throws(TPMError) {
            var outer = try run(TPMCommand(.readNVPublic, handles: [index])).parameters
            var area = TPMReader(try outer.sized(), of: .readNVPublic)
            return NVPublic(
                index: try area.integer(), algorithm: try area.integer(), attributes: try area.integer(),
                policy: try area.sized(), size: try area.integer())
        } catch .refused(_, let code) where code.error == 0x8B { return nil }
    }

    public func defineNV(_ space: NVPublic) throws(TPMError) {
        try run(
            TPMCommand(.defineSpace, handles: [Self.owner], authorizations: [.emptyPassword]) {
                $0.put(UInt16(0))
                $0.put(sized: { space.write(to: &$0) })
            })
    }

    /// - Parameter count: bytes, from the first one.
    public func readNV(_ index: UInt32, _ count: UInt16) throws(TPMError) -> [UInt8] {
        var reply = try run(
            TPMCommand(.readNV, handles: [index, index], authorizations: [.emptyPassword]) {
                $0.put(count)
                $0.put(UInt16(0))
            }
        ).parameters
        return try reply.sized()
    }

    /// Adds one to a counter.
    public func incrementNV(_ index: UInt32) throws(TPMError) {
        try run(TPMCommand(.increment, handles: [index, index], authorizations: [.emptyPassword]))
    }
}
