import TPM

extension TPMConnection {
    /// Where the attestation key lies: a persistent handle of the owner's range (TCG Registry of Reserved TPM 2.0 Handles 1.2).
    static let attestationHandle: UInt32 = 0x8101_0010
    private static let endorsement: UInt32 = 0x4000_000B, owner: UInt32 = 0x4000_0001

    /// The key that quotes: P-256, for nothing else than what this TPM has made itself. At the first use it is made, under the
    /// endorsement hierarchy, and stays; a TPM that is cleared makes the same again, as long as its manufacturer's seed is the same.
    /// - Throws: `TPMError`, and `EvidenceError` where something else lies at its handle.
    public func attestationKey() throws -> AttestationKeyArea {
        if let found = try publicArea() {
            guard let area = try? AttestationKeyArea(found), area.isForAttestation, area.key.curve == .p256 else {
                throw EvidenceError(
                    .key, at: 0,
                    "another key lies at the handle 81010010h; if it is not needed, remove it "
                        + "(tpm2_evictcontrol -C o -c 0x81010010)")
            }
            return area
        }
        try makeAttestationKey()
        return try AttestationKeyArea(publicArea() ?? [])
    }

    /// What lies at the key's handle; nil: nothing.
    private func publicArea() throws(TPMError) -> [UInt8]? {
        do throws(TPMError) {
            var reply = try run(TPMCommand(.readPublic, handles: [Self.attestationHandle]))
            return try reply.parameters.sized()
        } catch {
            if case .refused(_, let code) = error, code.error == 0x8B { return nil }
            throw error
        }
    }

    private func makeAttestationKey() throws {
        let create = try TPMCommand(
            .createPrimary, handles: [Self.endorsement], authorizations: [.emptyPassword]
        ) { writer in
            // No password, no data: the TPM makes the key.
            writer.put(sized: [0, 0, 0, 0])
            writer.put(sized: { area in
                for word: UInt16 in [0x0023, 0x000B] { area.put(word) }
                area.put(AttestationKeyArea.attributes)
                // No policy; encrypts nothing; ECDSA by SHA-256; P-256; no key derivation; a point that the TPM chooses.
                for word: UInt16 in [0, 0x0010, 0x0018, 0x000B, 0x0003, 0x0010, 0, 0] { area.put(word) }
            })
            writer.put(UInt16(0))
            writer.put(UInt32(0))
        }
        let key = try run(create).newHandle(.createPrimary)
        defer { _ = try? run(TPMCommand(.flushContext) { $0.put(key) }) }
        try run(
            TPMCommand(.evictControl, handles: [Self.owner, key], authorizations: [.emptyPassword]) {
                $0.put(Self.attestationHandle)
            })
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
                let found = try readPCRs(PCRSelection(bank, EvidenceCheck.pcrs))
                evidence.values += EvidenceCheck.pcrs.flatMap { found[$0] ?? [] }
            }
            var reply = try run(command).parameters
            evidence.quote = try reply.sized()
            evidence.signature = []
            while !reply.isAtEnd { evidence.signature += try reply.bytes(1) }
            if try Quote(evidence.quote).digest == PCRBank.sha256.digest(evidence.values) { return evidence }
        }
        throw EvidenceError(.quote, at: 0, "a program extends the PCRs all the time; try again")
    }
}
