/// A response to a command that was done.
public struct TPMReply: Sendable {
    /// Of the object or session that the command has made.
    public let handle: UInt32?
    /// What follows, without the area of authorizations.
    public var parameters: TPMReader
    /// The response's bytes.
    public let bytes: [UInt8]

    /// - Throws: `TPMError.refused` for another code than success, `TPMError.malformed` for what is no response.
    public init(_ bytes: [UInt8], to command: TPMCommandCode) throws(TPMError) {
        var reader = TPMReader(bytes, of: command)
        let tag = try reader.integer(UInt16.self), size = try reader.integer(UInt32.self)
        let code = TPMResponseCode(try reader.integer())
        guard Int(size) == bytes.count else {
            throw .malformed(command, what: "\(bytes.count) bytes that say that they are \(size)")
        }
        guard code == .success else { throw .refused(command, code) }
        guard [TPMTag.noSessions, TPMTag.sessions].contains(tag) else {
            throw .malformed(command, what: "its tag is \(String(tag, radix: 16, uppercase: true))h")
        }
        handle = command.returnsHandle ? try reader.integer() : nil
        if tag == TPMTag.sessions {
            let count = try reader.integer(UInt32.self)
            reader = TPMReader(try reader.bytes(Int(count)), of: command)
        }
        parameters = reader
        self.bytes = bytes
    }

    /// - Throws: `TPMError.malformed` where there is none.
    public func newHandle(_ command: TPMCommandCode) throws(TPMError) -> UInt32 {
        guard let handle else { throw .malformed(command, what: "it has no handle") }
        return handle
    }
}
