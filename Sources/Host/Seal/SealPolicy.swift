import Foundation
import Keys
import TPM
import Trust

/// To which values of PCRs a secret is sealed, and the policy that follows from them.
public struct SealPolicy: Equatable, Sendable {
    public let bank: PCRBank
    /// By the number, 0 to 23.
    public let values: [Int: [UInt8]]

    /// Where the hypervisor measures the owner's key, and after the hand-out the word `closed`.
    public static let authorityPCR = 11

    /// - Throws: `SealError.valueSize` for a value that is no digest of the bank, `SealError.weak` without PCR 11, or with neither 4 nor 7.
    public init(_ bank: PCRBank, _ values: [Int: [UInt8]]) throws(SealError) {
        for (pcr, value) in values where value.count != bank.bytes {
            throw .valueSize(pcr: pcr, bank: bank.name, bytes: bank.bytes * 2)
        }
        try Self.require(values.keys)
        (self.bank, self.values) = (bank, values)
    }

    /// - Throws: `SealError.weak`.
    public static func require(_ numbers: some Collection<Int>) throws(SealError) {
        guard numbers.contains(authorityPCR) else {
            throw .weak(
                reason: "without PCR 11 the TPM gives the secret to whatever runs later too; add 11 to --pcrs")
        }
        guard numbers.contains(4) || numbers.contains(7) else {
            throw .weak(
                reason:
                    "PCR 11 alone can be made by any program that the firmware starts; add 7 (this Secure Boot) or 4 (this "
                    + "program) to --pcrs")
        }
    }

    /// What PCR 11 holds when the hypervisor asks for secrets: one extend of zeros by the digest of the owner's public key.
    public static func authority(_ bank: PCRBank, ownerKey: [UInt8]) -> [UInt8] {
        bank.digest([UInt8](repeating: 0, count: bank.bytes) + bank.digest(ownerKey))
    }

    public var selection: PCRSelection { PCRSelection(bank, values.keys) }

    /// SHA-256 of the values, one behind the other, ascending (TPM 2.0 Library, Part 3, section 23.7).
    public var valuesDigest: [UInt8] {
        SHA256.digest(Data(selection.numbers.flatMap { values[$0] ?? [] }))
    }

    /// TPM2_PolicyPCR's digest, of a session that begins with zeros.
    public var digest: [UInt8] {
        var writer = TPMWriter()
        writer.put([UInt8](repeating: 0, count: 32))
        writer.put(TPMCommandCode.policyPCR.rawValue)
        selection.write(to: &writer)
        writer.put(valuesDigest)
        return SHA256.digest(Data(writer.bytes))
    }
}

extension PCRBank {
    func digest(_ bytes: [UInt8]) -> [UInt8] {
        switch self {
        case .sha256: return SHA256.digest(Data(bytes))
        case .sha384:
            var hash = SHA384()
            for byte in bytes { hash.put(byte) }
            let digest = hash.finish()
            return (0..<Digest384.bytes).map { digest[$0] }
        }
    }
}
