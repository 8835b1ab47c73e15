import TPM

/// The commands by which the hypervisor gets a secret at boot, from a file `BULKHEAD/PARTITION.sealed`: one behind the other, each
/// complete. It sends each one as it is, but for handles that came out of an earlier one.
///
/// A handle FFFFFF00h + n stands for the first handle (bytes 10 to 13) of the response to command n. It stands at byte 10, or at byte 18
/// of a command with authorizations (tag 8002h), where the first one's session is. Nowhere else is anything replaced.
public struct UnsealCommands: Equatable, Sendable {
    /// In the order in which they are sent.
    public let commands: [TPMCommand]

    /// The most that root mode reads, in bytes, and the most commands that it sends.
    public static let mostBytes = 4096, mostCommands = 8
    /// Which command gives the secret: TPM2_Unseal.
    public static let unseal = 3
    static let firstReference: UInt32 = 0xFFFF_FF00
    /// Where handles are replaced: the first handle, and the session of the first authorization behind one handle.
    static let handlePlace = 10, sessionPlace = 18

    /// - Parameter parent: the storage key's persistent handle.
    /// - Throws: `SealError.commands` where they are too long or something in them looks like a reference.
    public init(_ blob: SealedBlob, _ policy: SealPolicy, parent: UInt32) throws {
        func response(_ command: UInt32) -> UInt32 { Self.firstReference + command }
        commands = [
            try .startSession(.policy),
            try .policyPCR(response(0), policy.selection, digest: policy.valuesDigest),
            try TPMCommand(.load, handles: [parent], authorizations: [.emptyPassword]) {
                $0.put(sized: blob.privateArea)
                $0.put(sized: blob.publicArea)
            },
            // The session stays open, so that the same commands follow whether this one succeeds or not.
            try TPMCommand(
                .unseal, handles: [response(2)], authorizations: [.policy(response(0), staysOpen: true)]),
            try TPMCommand(.flushContext) { $0.put(response(2)) },
            try TPMCommand(.flushContext) { $0.put(response(0)) },
            // Its response is longer than that with a secret, and so overwrites the secret in the TPM's buffer.
            try TPMCommand(.readPublic, handles: [parent]),
        ]
        try check()
    }

    public var bytes: [UInt8] { commands.flatMap(\.bytes) }

    private func check() throws(SealError) {
        guard bytes.count <= Self.mostBytes else {
            throw .commands(reason: "it has \(bytes.count) bytes, and \(Self.mostBytes) are the most")
        }
        let meant: [Int: [Int: UInt32]] = [1: [10: 0], 3: [10: 2, 18: 0], 4: [10: 2], 5: [10: 0]]
        for (i, command) in commands.enumerated() {
            let found = Self.references(in: command.bytes)
            guard found == meant[i, default: [:]] else {
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
