/// One command, whole: tag, size, code, handles, authorizations, parameters (TPM 2.0 Library, Part 1, section 18).
public struct TPMCommand: Equatable, Sendable {
    public let code: TPMCommandCode
    public let bytes: [UInt8]

    /// What a TPM for PCs takes at least, and the most that is built (PC Client Platform TPM Profile, TPM_PT_MAX_COMMAND_SIZE).
    public static let mostBytes = 4096

    /// - Parameter authorizations: one for each handle that needs one, in their order.
    /// - Throws: `TPMError.tooLong`.
    public init(
        _ code: TPMCommandCode, handles: [UInt32] = [], authorizations: [TPMAuthorization] = [],
        _ parameters: (inout TPMWriter) -> Void = { _ in }
    ) throws(TPMError) {
        var body = TPMWriter()
        for handle in handles { body.put(handle) }
        if !authorizations.isEmpty {
            var area = TPMWriter()
            for authorization in authorizations { authorization.write(to: &area) }
            body.put(UInt32(area.bytes.count))
            body.put(area.bytes)
        }
        parameters(&body)
        let size = 10 + body.bytes.count
        guard !body.isTooLong, size <= Self.mostBytes else { throw .tooLong(code, bytes: size) }
        var whole = TPMWriter()
        whole.put(authorizations.isEmpty ? TPMTag.noSessions : TPMTag.sessions)
        whole.put(UInt32(size))
        whole.put(code.rawValue)
        whole.put(body.bytes)
        (self.code, bytes) = (code, whole.bytes)
    }
}

/// TPM_ST: whether authorizations follow the handles.
enum TPMTag {
    static let noSessions: UInt16 = 0x8001
    static let sessions: UInt16 = 0x8002
}

/// What permits the use of a handle: TPMS_AUTH_COMMAND.
public struct TPMAuthorization: Equatable, Sendable {
    let session: UInt32
    let attributes: UInt8
    let secret: [UInt8]

    /// TPM_RS_PW with the empty password.
    public static let emptyPassword = Self(session: 0x4000_0009, attributes: 0, secret: [])

    /// A policy session that needs no HMAC: it is neither bound nor salted.
    /// - Parameter staysOpen: it can be used again, or must be flushed (continueSession).
    public static func policy(_ session: UInt32, staysOpen: Bool = false) -> Self {
        Self(session: session, attributes: staysOpen ? 1 : 0, secret: [])
    }

    func write(to area: inout TPMWriter) {
        area.put(session)
        area.put(UInt16(0))
        area.put(attributes)
        area.put(sized: secret)
    }
}
