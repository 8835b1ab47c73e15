import TPM
import Testing

@testable import Attestation

/// That the key which has signed is the one whose attributes the evidence tells.
@Suite struct QualifiedSignerTests {
    private static let other =
        "key: the quote names a key with another area than the evidence has: other attributes, another parent or another key"

    /// All but the TPM's name of the key agrees: the identity is computed anew, the point is the enrolled one.
    @Test func editedAttributes() throws {
        let machine = try AttestedMachine(), demand = try machine.demand(), good = try machine.evidence()
        // userWithAuth, noDA, and a policy where there is none.
        let changes: [(inout [UInt8]) -> Void] = [
            { $0[7] ^= 0x40 }, { $0[6] ^= 4 }, { $0.replaceSubrange(8..<10, with: [0, 1, 7]) },
        ]
        for change in changes {
            var edited = good
            change(&edited.key)
            edited.ueid = try AttestationKeyArea(edited.key).ueid
            #expect(try AttestedMachine.complaints(edited, demand) == [Self.other])
        }
    }

    /// A key of the same TPM that signs anything, told to be a restricted one.
    @Test func aKeyThatSignsAnything() throws {
        let machine = try AttestedMachine(), tpm = try machine.tpm.connect()
        try tpm.persist(TPMConnection.attestationHandle, at: TPMConnection.attestationHandle)
        try tpm.makeAttestationKey(AttestationKeyArea.attributes & ~0x1_0000, in: 0x4000_000B)
        #expect(throws: EvidenceError.self) { try tpm.attestationKey() }
        var evidence = try machine.evidence(of: PCRBank.allCases.map { PCRSelection($0, Quote.wholePCRs) })
        var demand = EvidenceDemand(
            nonce: AttestedMachine.nonce, key: try AttestationKeyArea(evidence.key).key, expected: machine.expected,
            program: machine.program, volume: "VOLUME", baseline: nil, requiresSecureBoot: true)
        #expect(
            try AttestedMachine.complaints(evidence, demand)
                == ["key: the key is not one that signs only what the TPM has made itself"])
        evidence.key[5] |= 1
        evidence.ueid = try AttestationKeyArea(evidence.key).ueid
        #expect(try AttestedMachine.complaints(evidence, demand) == [Self.other])
        // Enrolled with it, too.
        demand.baseline = evidence
        #expect(try AttestedMachine.complaints(evidence, demand) == [Self.other])
    }

    /// Endorsement and owner hierarchy; not the platform's, whose keys belong to the firmware.
    @Test func hierarchies() throws {
        for (hierarchy, expected) in [
            (UInt32(0x4000_000B), []), (0x4000_0001, []), (0x4000_000C, [Self.other]), (0x4000_0007, [Self.other]),
        ] {
            let machine = try AttestedMachine(), tpm = try machine.tpm.connect()
            // The area as the template has it: an empty point stands for one that the TPM chooses.
            let template = Array(try tpm.attestationKey().bytes.prefix(20)) + [0, 0, 0, 0]
            let handle = try tpm.createPrimary(template, in: hierarchy)
            let evidence = try machine.evidence(
                of: PCRBank.allCases.map { PCRSelection($0, Quote.wholePCRs) }, by: handle)
            var demand = try machine.demand()
            (demand.key, demand.baseline) = (try AttestationKeyArea(evidence.key).key, nil)
            #expect(try AttestedMachine.complaints(evidence, demand) == expected, "\(hierarchy)")
        }
    }
}
