import TPM
import Testing

@testable import Seal

/// Policies, beside what another program (Python's hashlib) has computed by the specification.
@Suite struct SealPolicyTests {
    @Test func theDigestIsTheSpecifications() throws {
        let policy = try SealPolicy(
            .sha384, [11: [UInt8](repeating: 0x11, count: 48), 7: [UInt8](repeating: 0x77, count: 48)])
        #expect(policy.selection.numbers == [7, 11])
        #expect(text(policy.valuesDigest) == "998e0f4cd6f871ac83a98d4be1719bb1cad4ed39a81ca1454f961fcaa110f3e6")
        #expect(text(policy.digest) == "ccd183748a3bc44f4a0276d58646b033c38af8dcbdfc64e79b78fcef6aee1739")
        let counted = try SealPolicy(policy.bank, policy.values, counter: 12)
        #expect(text(counted.digest) == "87a8e901deecd3b37f608652f0f4e9dcaeab04b53c140f86449d98699b9531c3")
    }

    @Test func pcr11FollowsFromTheKey() {
        let key = [UInt8](0..<52)
        #expect(
            text(SealPolicy.authority(.sha256, ownerKey: key))
                == "39d0c43eec665a5b773f787fc77c9396b55d0ec0ad9415d88a2ee684da6e7ec7")
        #expect(
            text(SealPolicy.authority(.sha384, ownerKey: key))
                == "66093f9acaa9576b398698cbbc15d7e8cc5e90f19f08e51246b4345171024712d3debbc9aeddb2a54e6d93597eedcfa8")
    }

    @Test func valuesAreOfTheBankAndBind() throws {
        let value = [UInt8](repeating: 1, count: 32)
        #expect(throws: SealError.valueSize(pcr: 7, bank: "sha384", bytes: 96)) {
            try SealPolicy(.sha384, [7: value, 11: [UInt8](repeating: 1, count: 48)])
        }
        for numbers in [[7], [4, 7], [11], [0, 11], [4, 11], [4, 7, 11]] {
            do {
                _ = try SealPolicy(.sha256, Dictionary(uniqueKeysWithValues: numbers.map { ($0, value) }))
                Issue.record("\(numbers) binds to nothing")
            } catch {
                guard case .weak = error else { throw error }
            }
        }
        #expect(throws: Never.self) { try SealPolicy.require([2, 4, 11]) }
    }

    private func text(_ bytes: [UInt8]) -> String {
        bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
    }
}
