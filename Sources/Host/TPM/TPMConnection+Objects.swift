/// The public part of a key that a TPM has.
public struct TPMPublic: Equatable, Sendable {
    /// TPMT_PUBLIC.
    public let area: [UInt8]
    /// The algorithm's number and the digest of the area by it.
    public let name: [UInt8]

    /// TPM_ALG_ID and TPMA_OBJECT.
    public var type: UInt16 { area.prefix(2).reduce(0) { $0 << 8 | UInt16($1) } }
    public var attributes: UInt32 { area.dropFirst(4).prefix(4).reduce(0) { $0 << 8 | UInt32($1) } }
}

/// Data that a TPM has sealed: of use to this TPM alone.
public struct SealedBlob: Equatable, Sendable {
    /// TPM2B_PRIVATE and TPM2B_PUBLIC, without their lengths.
    public let privateArea, publicArea: [UInt8]

    public init(privateArea: [UInt8], publicArea: [UInt8]) {
        (self.privateArea, self.publicArea) = (privateArea, publicArea)
    }
}

extension TPMConnection {
    /// TPM_RH_OWNER.
    public static let owner: UInt32 = 0x4000_0001

    /// - Returns: nil where there is nothing at the handle.
    public func readPublic(_ handle: UInt32) throws(TPMError) -> TPMPublic? {
        do throws(TPMError) {
            var reply = try run(TPMCommand(.readPublic, handles: [handle])).parameters
            let area = try reply.sized(), name = try reply.sized()
            guard area.count >= 8 else { throw .malformed(.readPublic, what: "a public area without a type") }
            return TPMPublic(area: area, name: name)
        } catch .refused(_, let code) where code.error == 0x8B { return nil }
    }

    /// Makes the key that follows from the owner's seed and a template: each time the same. A P-256 key takes some ms, an RSA key up to
    /// minutes.
    /// - Returns: its transient handle, which the caller flushes.
    public func createPrimary(_ template: [UInt8], in hierarchy: UInt32 = owner) throws(TPMError) -> UInt32 {
        let command = try TPMCommand(.createPrimary, handles: [hierarchy], authorizations: [.emptyPassword]) {
            $0.put(sized: { $0.put([0, 0, 0, 0]) })
            $0.put(sized: template)
            $0.put(UInt16(0))
            $0.put(UInt32(0))
        }
        return try run(command).newHandle(.createPrimary)
    }

    /// Keeps a transient object at a persistent handle (81000000h and above); it stays there over restarts, until TPM2_Clear.
    public func persist(_ object: UInt32, at handle: UInt32) throws(TPMError) {
        try run(
            TPMCommand(.evictControl, handles: [Self.owner, object], authorizations: [.emptyPassword]) {
                $0.put(handle)
            })
    }

    /// Seals data under a parent with an empty password.
    /// - Parameter template: `TPMTemplate.sealed`.
    public func seal(
        _ data: some Collection<UInt8>, _ template: [UInt8], under parent: UInt32
    ) throws(TPMError) -> SealedBlob {
        let command = try TPMCommand(.create, handles: [parent], authorizations: [.emptyPassword]) {
            $0.put(sized: {
                $0.put(UInt16(0))
                $0.put(sized: data)
            })
            $0.put(sized: template)
            $0.put(UInt16(0))
            $0.put(UInt32(0))
        }
        var reply = try run(command).parameters
        return SealedBlob(privateArea: try reply.sized(), publicArea: try reply.sized())
    }

    /// Frees what a transient object or a session takes.
    public func flush(_ handle: UInt32) throws(TPMError) {
        try run(TPMCommand(.flushContext) { $0.put(handle) })
    }

    /// Does something with a transient object or session, which is freed afterwards whatever happens.
    public func with<Result>(
        _ handle: UInt32, _ body: (UInt32) throws(TPMError) -> Result
    ) throws(TPMError) -> Result {
        let result: Result
        do { result = try body(handle) } catch {
            try? flush(handle)
            throw error
        }
        try flush(handle)
        return result
    }
}
