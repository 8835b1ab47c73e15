import Keys
import TPM

/// A secret that a machine's TPM gives to the owner's hypervisor alone, at boot, once.
public struct SealedSecret: Sendable {
    public let policy: SealPolicy
    /// SHA-384 of the secret itself, which the manifest names: nobody who can seal another one has it accepted.
    public let digest: [UInt8]
    public let commands: UnsealCommands
    /// Whether the storage key was made, or was there.
    public let madeStorageKey: Bool

    /// The shortest and the longest secret, in bytes. The manifest has a secret's digest, by which a shorter one could be guessed.
    public static let leastBytes = 16, mostBytes = 64

    /// What is to be decided before a secret is sealed.
    public struct Plan: Sendable {
        /// The owner's public key as the program carries it, byte for byte.
        public var ownerKey: [UInt8]
        /// Which PCRs; 11 and one of 4 and 7 at least, with 4 also 2.
        public var pcrs: [Int] = [7, SealPolicy.authorityPCR]
        /// Values that are not read from the TPM. PCR 11's follows from the owner's key.
        public var given: [Int: [UInt8]] = [:]
        /// nil: SHA-384 where it is active, else SHA-256.
        public var bank: PCRBank?

        public init(ownerKey: [UInt8]) { self.ownerKey = ownerKey }
    }

    /// Seals. What is written is tried first: the TPM computes the same policy, and takes the sealed secret.
    /// Where the TPM has the counter of the security version, its present value is demanded as well.
    /// - Parameter secret: 16 to 64 bytes.
    /// - Throws: `SealError`, `TPMError`.
    public init(_ secret: [UInt8], _ plan: Plan, _ tpm: TPMConnection) throws {
        guard (Self.leastBytes...Self.mostBytes).contains(secret.count) else {
            throw SealError.secretSize(file: "the secret")
        }
        try SealPolicy.require(plan.pcrs)
        digest = PCRBank.sha384.digest(secret)
        let active = try tpm.activeBanks()
        guard let bank = plan.bank ?? active.max(by: { $0.bytes < $1.bytes }), active.contains(bank) else {
            throw SealError.noBank(asked: plan.bank?.name)
        }
        var values = plan.given.filter { plan.pcrs.contains($0.key) }
        if values[SealPolicy.authorityPCR] == nil {
            values[SealPolicy.authorityPCR] = SealPolicy.authority(bank, ownerKey: plan.ownerKey)
        }
        let others = plan.pcrs.filter { values[$0] == nil }
        values.merge(try tpm.readMeasured(PCRSelection(bank, others), of: active)) { $1 }
        let counter: UInt64? = if case .value(let value) = try RollbackCounter(tpm).state() { value } else { nil }
        policy = try SealPolicy(bank, values, counter: counter)
        madeStorageKey = try StorageKey.provide(tpm)
        guard try tpm.trialDigest(policy.commands) == policy.digest else {
            throw SealError.policy
        }
        let blob = try tpm.seal(secret, TPMTemplate.sealed(policy: policy.digest), under: StorageKey.handle)
        commands = try UnsealCommands(blob, policy, parent: StorageKey.handle)
        try tpm.with(tpm.run(commands.load).newHandle(.load)) { _ throws(TPMError) in }
    }

    /// What a person has to know of it, for programs and for the screen; nothing of it is secret.
    public func report(_ file: String, notes: [String]) -> Report {
        Report(
            output: file, secret: SecretFile.hexadecimal(digest), bytes: commands.bytes.count,
            sha384: SecretFile.hexadecimal(PCRBank.sha384.digest(commands.bytes)), bank: policy.bank.name,
            pcrs: Dictionary(
                uniqueKeysWithValues: policy.values.map { ("\($0.key)", SecretFile.hexadecimal($0.value)) }),
            counter: policy.counter,
            policy: SecretFile.hexadecimal(policy.digest), madeStorageKey: madeStorageKey, notes: notes)
    }

    public struct Report: Codable, Sendable {
        public var output: String
        /// SHA-384 of the secret, as the manifest has it.
        public var secret: String
        /// Of the file, and its digest.
        public var bytes: Int
        public var sha384: String
        public var bank: String
        /// By the number: hexadecimal.
        public var pcrs: [String: String]
        /// What the counter of the security version must have at least; none where the TPM has no such counter.
        public var counter: UInt64?
        /// SHA-256.
        public var policy: String
        public var madeStorageKey: Bool
        /// `SealNotes`.
        public var notes: [String]
    }
}
