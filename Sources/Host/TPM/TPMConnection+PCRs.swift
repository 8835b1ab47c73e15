/// A bank of PCRs: those of one hash algorithm (TPM_ALG_ID).
public enum PCRBank: UInt16, CaseIterable, Codable, Sendable {
    case sha256 = 0x000B
    case sha384 = 0x000C

    public var name: String { self == .sha256 ? "sha256" : "sha384" }
    public init?(name: String) {
        guard let bank = Self.allCases.first(where: { $0.name == name }) else { return nil }
        self = bank
    }

    /// Of one value.
    public var bytes: Int { self == .sha256 ? 32 : 48 }
}

/// Which PCRs of one bank: TPML_PCR_SELECTION with one member.
public struct PCRSelection: Equatable, Sendable {
    public let bank: PCRBank
    /// Ascending, each 0 to 23.
    public let numbers: [Int]

    public init(_ bank: PCRBank, _ numbers: some Sequence<Int>) {
        (self.bank, self.numbers) = (bank, Set(numbers).filter { (0..<24).contains($0) }.sorted())
    }

    public func write(to writer: inout TPMWriter) {
        writer.put(UInt32(1))
        writer.put(bank.rawValue)
        writer.put(UInt8(3))
        for byte in 0..<3 { writer.put(numbers.filter { $0 / 8 == byte }.reduce(0) { $0 | UInt8(1 << ($1 % 8)) }) }
    }
}

extension TPMConnection {
    /// The banks of SHA-256 and SHA-384 that have PCRs.
    public func activeBanks() throws(TPMError) -> [PCRBank] {
        // TPM_CAP_PCRS.
        var reply = try run(TPMCommand(.getCapability) { for word: UInt32 in [5, 0, 64] { $0.put(word) } }).parameters
        _ = try reply.bytes(5)
        let count = try reply.integer(UInt32.self)
        guard count <= 16 else { throw .malformed(.getCapability, what: "it has \(count) banks of PCRs") }
        var banks: [PCRBank] = []
        for _ in 0..<count {
            let bank = PCRBank(rawValue: try reply.integer()), size = try reply.integer(UInt8.self)
            let bits = try reply.bytes(Int(size))
            if let bank, bits.contains(where: { $0 != 0 }) { banks.append(bank) }
        }
        return banks
    }

    /// The present values, by their numbers.
    /// - Throws: `TPMError.malformed` also where the bank has none of them.
    public func readPCRs(_ selection: PCRSelection) throws(TPMError) -> [Int: [UInt8]] {
        var values: [Int: [UInt8]] = [:]
        // One by one: a TPM returns as many at once as it likes.
        for number in selection.numbers {
            let one = PCRSelection(selection.bank, [number])
            var reply = try run(TPMCommand(.readPCR) { one.write(to: &$0) }).parameters
            _ = try reply.bytes(4)
            var expected = TPMWriter()
            one.write(to: &expected)
            guard try reply.bytes(expected.bytes.count) == expected.bytes, try reply.integer(UInt32.self) == 1 else {
                throw .malformed(.readPCR, what: "it has no PCR \(number) in the bank \(selection.bank.name)")
            }
            let value = try reply.sized()
            guard value.count == selection.bank.bytes else {
                throw .malformed(.readPCR, what: "PCR \(number) has \(value.count) bytes")
            }
            values[number] = value
        }
        return values
    }
}
