import TPM

/// The commands by which the hypervisor gets a secret at boot, from a file `BULKHEAD/PARTITION.sealed`: one behind the other, each
/// complete. It sends each one as it is, but for handles that came out of an earlier one.
///
/// A handle FFFFFF00h + n stands for the first handle (bytes 10 to 13) of the response to command n. It stands at byte 10, or at byte 18
/// of TPM2_Unseal, where its authorization's session is, and of TPM2_PolicyNV, whose third handle is there. Nowhere else is anything replaced.
public struct UnsealCommands: Equatable, Sendable {
    /// In the order in which they are sent.
    public let commands: [TPMCommand]
    /// TPM2_Load of them.
    let load: TPMCommand

    /// The most that root mode reads, in bytes, and the most commands that it sends.
    public static let mostBytes = 4096, mostCommands = 8
    static let firstReference: UInt32 = 0xFFFF_FF00
    /// Where handles are replaced: the first handle; and the third one, or the session of the first authorization behind one handle.
    static let handlePlace = 10, sessionPlace = 18

    /// - Parameter parent: the storage key's persistent handle.
    /// - Throws: `SealError.commands` where they are too long or something in them looks like a reference.
    public init(_ blob: SealedBlob, _ policy: SealPolicy, parent: UInt32) throws {
        let session = Self.firstReference, demands = try policy.commands(session)
        let object = session + 1 + UInt32(demands.count)
        load = try TPMCommand(.load, handles: [parent], authorizations: [.emptyPassword]) {
            $0.put(sized: blob.privateArea)
            $0.put(sized: blob.publicArea)
        }
        commands =
            [try .startSession(.policy)] + demands + [
                load,
                // The session stays open, so that the same commands follow whether this one succeeds or not.
                try TPMCommand(
                    .unseal, handles: [object], authorizations: [.policy(session, staysOpen: true)]),
                try TPMCommand(.flushContext) { $0.put(object) },
                try TPMCommand(.flushContext) { $0.put(session) },
                // Its response is longer than that with a secret, and so overwrites the secret in the TPM's buffer.
                try TPMCommand(.readPublic, handles: [parent]),
            ]
        try check(object: object - session)
    }

    public var bytes: [UInt8] { commands.flatMap(\.bytes) }

    /// - Parameter object: which command has loaded it.
    private func check(object: UInt32) throws(SealError) {
        guard bytes.count <= Self.mostBytes else {
            throw .commands(reason: "it has \(bytes.count) bytes, and \(Self.mostBytes) are the most")
        }
        for (i, command) in commands.enumerated() {
            let meant: [Int: UInt32] =
                switch command.code {
                case .policyPCR: [Self.handlePlace: 0]
                case .policyNV: [Self.sessionPlace: 0]
                case .unseal: [Self.handlePlace: object, Self.sessionPlace: 0]
                case .flushContext: [Self.handlePlace: i == commands.count - 2 ? 0 : object]
                default: [:]
                }
            guard Self.references(in: command.bytes) == meant else {
                throw .commands(reason: "in command \(i) a value looks like a handle to replace")
            }
        }
    }

    /// By their places: the commands whose responses have the handles.
    static func references(in command: [UInt8]) -> [Int: UInt32] {
        var found: [Int: UInt32] = [:]
        for place in command[1] == 2 ? [handlePlace, sessionPlace] : [handlePlace] where command.count >= place + 4 {
            let word = command[place..<place + 4].reduce(0) { $0 << 8 | UInt32($1) }
            if word >= firstReference { found[place] = word - firstReference }
        }
        return found
    }
}
