extension TPMCommand {
    /// What a session is for: TPM_SE.
    public enum SessionKind: UInt8, Sendable {
        case policy = 1
        /// A policy session that authorizes nothing and only computes what a policy is.
        case trial = 3
    }

    /// A session for a policy by SHA-256: not bound, not salted. Its nonce keeps nothing secret; 16 bytes are the least there can be.
    public static func startSession(_ kind: SessionKind) throws(TPMError) -> Self {
        try Self(.startAuthSession, handles: [0x4000_0007, 0x4000_0007]) {
            $0.put(sized: (0..<16).map { _ in UInt8.random(in: .min ... .max) })
            $0.put(UInt16(0))
            $0.put(kind.rawValue)
            $0.put(TPMTemplate.Algorithm.null)
            $0.put(TPMTemplate.Algorithm.sha256)
        }
    }

    /// - Parameter digest: SHA-256 of the PCRs' values, one behind the other, ascending: fails at once where they are others.
    public static func policyPCR(
        _ session: UInt32, _ selection: PCRSelection, digest: [UInt8]
    ) throws(TPMError) -> Self {
        try Self(.policyPCR, handles: [session]) {
            $0.put(sized: digest)
            selection.write(to: &$0)
        }
    }

    /// Demands that the number in an NV index is at least `value`, unsigned (TPM_EO_UNSIGNED_GE; Part 3, section 23.9). Fails at once
    /// where it is lower, was never written, or there is no such index. The index is read by its own empty password.
    public static func policyNV(_ session: UInt32, _ index: UInt32, atLeast value: UInt64) throws(TPMError) -> Self {
        try Self(.policyNV, handles: [index, index, session], authorizations: [.emptyPassword]) {
            $0.put(sized: { $0.put(value) })
            $0.put(UInt16(0))
            $0.put(unsignedAtLeast)
        }
    }

    /// TPM_EO_UNSIGNED_GE: what the index holds, against the operand (Part 2, section 6.8).
    public static let unsignedAtLeast: UInt16 = 7
}

extension TPMConnection {
    /// What the TPM itself computes of a policy, whatever its PCRs hold now.
    /// - Parameter commands: those that make it, of a session.
    public func trialDigest(_ commands: (UInt32) throws(TPMError) -> [TPMCommand]) throws(TPMError) -> [UInt8] {
        let session = try run(.startSession(.trial)).newHandle(.startAuthSession)
        return try with(session) { session throws(TPMError) in
            for command in try commands(session) { try run(command) }
            var reply = try run(TPMCommand(.policyGetDigest, handles: [session])).parameters
            return try reply.sized()
        }
    }
}
