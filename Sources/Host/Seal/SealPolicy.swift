import Foundation
import Keys
import TPM
import Trust

/// To which values of PCRs a secret is sealed, and the policy that follows from them.
public struct SealPolicy: Equatable, Sendable {
    public let bank: PCRBank
    /// By the number, 0 to 23.
    public let values: [Int: [UInt8]]
    /// What `RollbackCounter` must have at least; nil: it is not asked.
    public let counter: UInt64?

    /// Where the hypervisor measures the owner's key, and after the hand-out the word `closed`.
    public static let authorityPCR = 11

    /// - Throws: `SealError.valueSize` for a value that is no digest of the bank, `SealError.weak` as `require`.
    public init(_ bank: PCRBank, _ values: [Int: [UInt8]], counter: UInt64? = nil) throws(SealError) {
        for (pcr, value) in values where value.count != bank.bytes {
            throw .valueSize(pcr: pcr, bank: bank.name, bytes: bank.bytes * 2)
        }
        try Self.require(values.keys)
        (self.bank, self.values, self.counter) = (bank, values, counter)
    }

    /// - Throws: `SealError.weak` without PCR 11, with neither 4 nor 7, or with 4 and without 2.
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
        guard !numbers.contains(4) || numbers.contains(2) else {
            throw .weak(
                reason:
                    "PCR 4 without PCR 2 leaves out the drivers that firmware loads from cards before this program; add 2 to --pcrs"
            )
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

    /// What makes it in a session: the PCRs, then the counter.
    func commands(_ session: UInt32) throws(TPMError) -> [TPMCommand] {
        let pcrs = try TPMCommand.policyPCR(session, selection, digest: valuesDigest)
        guard let counter else { return [pcrs] }
        return [pcrs, try .policyNV(session, RollbackCounter.index, atLeast: counter)]
    }

    /// The digest of TPM2_PolicyPCR, of a session that begins with zeros, and of TPM2_PolicyNV behind it.
    public var digest: [UInt8] {
        let pcrs = pcrDigest
        guard let counter else { return pcrs }
        // The operand, its offset in the index, the comparison (Part 3, section 23.9).
        var demand = TPMWriter()
        demand.put(counter)
        demand.put(UInt16(0))
        demand.put(TPMCommand.unsignedAtLeast)
        var writer = TPMWriter()
        writer.put(pcrs)
        writer.put(TPMCommandCode.policyNV.rawValue)
        writer.put(SHA256.digest(Data(demand.bytes)))
        writer.put(RollbackCounter.name)
        return SHA256.digest(Data(writer.bytes))
    }

    private var pcrDigest: [UInt8] {
        var writer = TPMWriter()
        writer.put([UInt8](repeating: 0, count: 32))
        writer.put(TPMCommandCode.policyPCR.rawValue)
        selection.write(to: &writer)
        writer.put(valuesDigest)
        return SHA256.digest(Data(writer.bytes))
    }
}
