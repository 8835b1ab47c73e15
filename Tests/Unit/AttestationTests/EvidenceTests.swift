import TPM
import Testing

@testable import Attestation

/// The file, byte by byte.
@Suite struct EvidenceTests {
    private static let small = Evidence(
        nonce: [1, 2, 3, 4, 5, 6, 7, 8], ueid: [1], quote: [2], signature: [3], key: [4], values: [5], log: [6])

    /// As cbor2 writes it.
    @Test func oneEncoding() throws {
        let encoded = try Self.small.encode()
        let text = Array(Evidence.profile.utf8)
        let expected: [UInt8] =
            [0xA8, 0x0A, 0x48, 1, 2, 3, 4, 5, 6, 7, 8] + [0x19, 0x01, 0x00, 0x41, 1]
            + [0x19, 0x01, 0x09, 0x78, UInt8(text.count)] + text
            + (0..<5).flatMap { [0x3A, 0, 1, 0, $0, 0x41, $0 + 2] as [UInt8] }
        #expect(encoded == expected)
        #expect(try Evidence(encoded) == Self.small)
        for count in 0..<encoded.count {
            #expect(throws: EvidenceError.self) { try Evidence(Array(encoded.prefix(count))) }
        }
        #expect(throws: EvidenceError.self) { try Evidence(encoded + [0]) }
        // Another claim, another profile.
        for place in [0, 1, 12, 30, encoded.count - 3] {
            var other = encoded
            other[place] ^= 1
            #expect(throws: EvidenceError.self, "byte \(place)") { try Evidence(other) }
        }
    }

    @Test func bounds() throws {
        var evidence = Self.small
        for (part, most) in [
            (\Evidence.nonce, 48), (\.ueid, 33), (\.quote, 512), (\.signature, 128), (\.key, 256), (\.values, 1280),
        ] {
            let good = evidence[keyPath: part]
            evidence[keyPath: part] = [UInt8](repeating: 7, count: most)
            #expect(try Evidence(evidence.encode()) == evidence)
            evidence[keyPath: part].append(7)
            #expect(throws: EvidenceError.self) { try evidence.encode() }
            evidence[keyPath: part] = good
        }
        evidence.nonce = [1, 2, 3, 4, 5, 6, 7]
        #expect(throws: EvidenceError.self) { try Evidence(evidence.encode()) }
    }

    /// What a TPM has not made as a quote of PCRs is none, whoever has signed it.
    @Test func whatIsNoQuote() throws {
        let machine = try AttestedMachine(), good = try machine.evidence().quote
        let quote = try Quote(good)
        #expect(quote.selections.map(\.bank) == [.sha256, .sha384] && quote.digest.count == 32)
        func reason(_ change: (inout [UInt8]) -> Void) -> String {
            var other = good
            change(&other)
            do throws(EvidenceError) {
                _ = try Quote(other)
                return ""
            } catch { return error.reason }
        }
        #expect(reason { $0[0] = 0 }.hasPrefix("no TPM has made it"))
        #expect(reason { $0[5] = 0x17 } == "it attests something else than PCRs")
        #expect(reason { $0.append(0) } == "1 bytes follow its end")
        #expect(reason { $0.removeLast() } == "it ends 1 bytes too early")
        // The second bank's algorithm is the first's.
        #expect(reason { $0[good.count - 34 - 5] = 0x0B }.contains("occurs twice"))
        var demand = try machine.demand()
        demand.nonce = [9]
        var evidence = try machine.evidence()
        evidence.quote[5] = 0x17
        let found = try AttestedMachine.complaints(evidence, demand)
        #expect(
            found.contains { $0.hasPrefix("quote: the quote cannot be read, at byte 4: it attests something else") })
    }

    /// A quote of fewer PCRs says nothing of the others.
    @Test func aQuoteOfSomePCRs() throws {
        let machine = try AttestedMachine()
        let evidence = try machine.evidence(of: [PCRSelection(.sha256, [7, 11, 12])])
        let found = try AttestedMachine.complaints(evidence, machine.demand())
        #expect(found.first == "quote: it is not of PCRs 0 to 15 of the banks SHA-256 and SHA-384 alone")
        let names = found.map { $0.prefix { $0 != ":" } }
        #expect(names == ["quote", "banks", "baseline"], "\(found)")
    }
}
