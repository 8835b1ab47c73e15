import TPM

/// What a TPM says of its PCRs, to be signed: TPMS_ATTEST of type TPM_ST_ATTEST_QUOTE (TPM 2.0 Library, Part 2, section 10.12.12).
public struct Quote: Equatable, Sendable {
    /// The qualified name of the key that has signed: `AttestationKeyArea.qualifiedName`.
    public let qualifiedSigner: [UInt8]
    /// Chosen by who asked: the TPM repeats it.
    public let qualification: [UInt8]
    public let clock: TPMClock
    /// In the TPM's order.
    public let selections: [Selection]
    /// Of the values of all PCRs selected, one behind the other; by the hash algorithm of the signature.
    public let digest: [UInt8]

    /// Which PCRs of one bank, ascending. A bank that is not read keeps its number alone.
    public struct Selection: Equatable, Sendable {
        public let algorithm: UInt16
        public let pcrs: [Int]
        public var bank: PCRBank? { PCRBank(rawValue: algorithm) }
    }

    /// - Throws: `EvidenceError` for what no TPM has made as a quote.
    public init(_ bytes: [UInt8]) throws(EvidenceError) {
        var cursor = FieldCursor(bytes, of: .quote)
        try cursor.require(
            0xFF54_4347 as UInt32, "no TPM has made it: its first four bytes are not TPM_GENERATED_VALUE")
        try cursor.require(0x8018 as UInt16, "it attests something else than PCRs")
        qualifiedSigner = try cursor.sized(atMost: 66)
        qualification = try cursor.sized(atMost: 66)
        clock = TPMClock(
            milliseconds: try cursor.big(), resets: try cursor.big(), restarts: try cursor.big(),
            isSafe: try cursor.big(UInt8.self) == 1)
        _ = try cursor.take(8)
        let count = try cursor.big(UInt32.self)
        guard (1...16).contains(count) else { throw cursor.failure("\(count) banks of PCRs") }
        var selections: [Selection] = []
        for _ in 0..<count {
            let algorithm = try cursor.big(UInt16.self), bits = try cursor.take(Int(cursor.big(UInt8.self)))
            guard bits.count <= 4, !selections.contains(where: { $0.algorithm == algorithm }) else {
                throw cursor.failure("a bank with \(bits.count * 8) PCRs, or one that occurs twice")
            }
            let pcrs = (0..<bits.count * 8).filter { bits[$0 / 8] >> UInt8($0 % 8) & 1 == 1 }
            selections.append(Selection(algorithm: algorithm, pcrs: pcrs))
        }
        self.selections = selections
        digest = try cursor.sized(atMost: 64)
        try cursor.finish()
    }
}

/// When a TPM did something, by its own clock: TPMS_CLOCK_INFO (TPM 2.0 Library, Part 1, section 36).
public struct TPMClock: Equatable, Codable, Sendable {
    /// While it had power, since it was made or cleared.
    public let milliseconds: UInt64
    /// How often the machine was reset or powered on (resetCount), since then.
    public let resets: UInt32
    /// How often it woke or was restarted without losing its state, since the last of those (restartCount).
    public let restarts: UInt32
    /// Whether no later time than this was told before, also over a loss of power.
    public let isSafe: Bool

    /// Whether it is earlier than another of the same TPM, as far as that was not cleared in between.
    public func isBefore(_ other: TPMClock) -> Bool {
        (resets, restarts, milliseconds) < (other.resets, other.restarts, other.milliseconds)
    }
}
