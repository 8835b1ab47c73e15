import TPM

extension TPMConnection {
    /// Where the attestation key lies: a persistent handle of the owner's range (TCG Registry of Reserved TPM 2.0 Handles 1.2).
    static let attestationHandle: UInt32 = 0x8101_0010
    private static let endorsement: UInt32 = 0x4000_000B

    /// The key that quotes: P-256, for nothing else than what this TPM has made itself. At the first use it is made, under the
    /// endorsement hierarchy, and stays; a TPM that is cleared makes the same again, as long as its manufacturer's seed is the same.
    /// - Throws: `TPMError`, and `EvidenceError` where something else lies at its handle.
    public func attestationKey() throws -> AttestationKeyArea {
        if let found = try readPublic(Self.attestationHandle)?.area {
            guard let area = try? AttestationKeyArea(found), area.isForAttestation, area.key.curve == .p256 else {
                throw Self.otherKey
            }
            return area
        }
        try makeAttestationKey()
        return try AttestationKeyArea(readPublic(Self.attestationHandle)?.area ?? [])
    }

    private static let otherKey = EvidenceError(
        .key, at: 0,
        "another key lies at the handle 81010010h; if it is not needed, remove it (tpm2_evictcontrol -C o -c 0x81010010)"
    )

    private func makeAttestationKey() throws {
        try makeAttestationKey(AttestationKeyArea.attributes, in: Self.endorsement)
    }

    /// Makes a key for ECDSA by SHA-256 on P-256 and keeps it at the handle.
    /// - Parameter attributes: TPMA_OBJECT.
    func makeAttestationKey(_ attributes: UInt32, in hierarchy: UInt32) throws {
        var area = TPMWriter()
        for word: UInt16 in [0x0023, 0x000B] { area.put(word) }
        area.put(attributes)
        // No policy; encrypts nothing; ECDSA by SHA-256; P-256; no key derivation; a point that the TPM chooses.
        for word: UInt16 in [0, 0x0010, 0x0018, 0x000B, 0x0003, 0x0010, 0, 0] { area.put(word) }
        let key = try createPrimary(area.bytes, in: hierarchy)
        defer { _ = try? run(TPMCommand(.flushContext) { $0.put(key) }) }
        try persist(key, at: Self.attestationHandle)
    }

    /// Evidence to which later evidence of this machine is compared.
    /// - Parameter nonce: 8 to 48 bytes; nil: some that nobody knows before.
    /// - Throws: as `evidence`, and `EvidenceError` where the firmware does not measure into a bank that is active.
    public func enrolment(nonce: [UInt8]?, log: [UInt8]) throws -> Evidence {
        let chosen = nonce ?? (0..<32).map { _ in UInt8.random(in: 0...0xFF) }
        let evidence = try evidence(nonce: chosen, log: log), quote = try Quote(evidence.quote)
        let values = try QuotedValues(evidence, quote, AttestationKeyArea(evidence.key).key)
        for bank in values.banks {
            let missing = values.untouched(bank)
            guard missing.isEmpty else {
                throw EvidenceError(
                    .quote, at: 0,
                    "the firmware does not extend PCR \(missing.map(String.init).joined(separator: ", ")) of the bank \(bank.name), "
                        + "where any program could pretend what it likes; turn this bank off in the firmware's set-up, or update the firmware"
                )
            }
        }
        return evidence
    }

    /// What the TPM says of PCRs 0 to 15, in the banks of SHA-256 and SHA-384 that are active.
    /// - Parameters:
    ///   - nonce: 8 to 48 bytes, of who asks.
    ///   - log: the firmware's.
    /// - Throws: `TPMError`; `EvidenceError` where the log is none, no bank is active, or the PCRs never stand still.
    public func evidence(nonce: [UInt8], log: [UInt8]) throws -> Evidence {
        _ = try EventLog(log)
        let key = try attestationKey(), banks = try activeBanks()
        guard !banks.isEmpty else {
            throw EvidenceError(
                .quote, at: 0, "the TPM has no bank of SHA-256 or SHA-384; turn one on in the firmware's set-up")
        }
        var evidence = Evidence(
            nonce: nonce, ueid: key.ueid, quote: [], signature: [], key: key.bytes, values: [], log: log)
        let command = try TPMCommand(
            .quote, handles: [Self.attestationHandle], authorizations: [.emptyPassword]
        ) { writer in
            writer.put(sized: evidence.qualification)
            // The key's own scheme.
            writer.put(0x0010 as UInt16)
            writer.put(UInt32(banks.count))
            for bank in banks {
                writer.put(bank.rawValue)
                writer.put([3, 0xFF, 0xFF, 0])
            }
        }
        // The running system may extend one of its own between reading and quoting.
        for _ in 0..<5 {
            evidence.values = []
            for bank in banks {
                let found = try readPCRs(PCRSelection(bank, Quote.wholePCRs))
                evidence.values += Quote.wholePCRs.flatMap { found[$0] ?? [] }
            }
            var reply = try run(command).parameters
            evidence.quote = try reply.sized()
            evidence.signature = []
            while !reply.isAtEnd { evidence.signature += try reply.bytes(1) }
            let quote = try Quote(evidence.quote)
            guard key.isSigner(of: quote) else { throw Self.otherKey }
            if quote.digest == PCRBank.sha256.digest(evidence.values) { return evidence }
        }
        throw EvidenceError(.quote, at: 0, "a program extends the PCRs all the time; try again")
    }
}
