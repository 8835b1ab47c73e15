import Testing

@testable import TPM

/// Commands and responses, byte by byte, as the TPM 2.0 Library has them.
@Suite struct TPMCommandTests {
    @Test func aCommandIsHeadHandlesAuthorizationsParameters() throws {
        let plain = try TPMCommand(.flushContext) { $0.put(0x8000_0001 as UInt32) }
        #expect(plain.bytes == [0x80, 0x01, 0, 0, 0, 14, 0, 0, 1, 0x65, 0x80, 0, 0, 1])
        let unseal = try TPMCommand(.unseal, handles: [0x8000_0000], authorizations: [.policy(0x0300_0000)])
        #expect(
            unseal.bytes == [
                0x80, 0x02, 0, 0, 0, 0x1B, 0, 0, 1, 0x5E, 0x80, 0, 0, 0, 0, 0, 0, 9, 3, 0, 0, 0, 0, 0, 0, 0, 0,
            ])
        let evict = try TPMCommand(
            .evictControl, handles: [0x4000_0001, 0x8000_0000], authorizations: [.emptyPassword]
        ) { $0.put(0x8100_0001 as UInt32) }
        #expect(evict.bytes.count == 0x23 && Array(evict.bytes[18..<22]) == [0, 0, 0, 9])
    }

    @Test func whatIsTooLongIsNoCommand() {
        #expect(throws: TPMError.self) { try TPMCommand(.load) { $0.put(sized: [UInt8](repeating: 0, count: 65536)) } }
        #expect(throws: TPMError.tooLong(.load, bytes: 4097)) {
            try TPMCommand(.load) { $0.put([UInt8](repeating: 0, count: 4087)) }
        }
    }

    @Test func aResponseIsReadWithinItsBounds() throws {
        let made: [UInt8] = [0x80, 1, 0, 0, 0, 16, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0]
        #expect(try TPMReply(made, to: .startAuthSession).newHandle(.startAuthSession) == 0x0300_0000)
        // Parameters with authorizations behind them.
        let sealed: [UInt8] = [0x80, 2, 0, 0, 0, 22, 0, 0, 0, 0, 0, 0, 0, 3, 0, 1, 7, 0, 0, 1, 0, 0]
        var reply = try TPMReply(sealed, to: .unseal)
        #expect(try reply.parameters.sized() == [7] && reply.parameters.isAtEnd && reply.handle == nil)
        #expect(throws: TPMError.self) { try reply.parameters.integer(UInt8.self) }
        // Cut off anywhere, or of a size that is not its own.
        for count in 0..<sealed.count {
            #expect(throws: TPMError.self) { try TPMReply(Array(sealed.prefix(count)), to: .unseal) }
        }
        var longer = sealed
        longer[13] = 200
        #expect(throws: TPMError.self) { try TPMReply(longer, to: .unseal) }
        var tagged = sealed
        tagged[1] = 3
        #expect(throws: TPMError.self) { try TPMReply(tagged, to: .unseal) }
    }

    @Test(arguments: [
        (0x99D, TPMCommandCode.unseal, "99Dh, session 1, the policy is not met"),
        (0x1C4, .policyPCR, "1C4h, parameter 1, a value"), (0x1DF, .load, "1DFh, parameter 1, the object"),
        (0x18B, .load, "18Bh, handle 1, there is nothing"), (0x922, .quote, "922h, it was busy"),
        (0x98E, .createPrimary, "98Eh, session 1, the password"), (0x5B0143, .quote, "5B0143h"),
    ])
    func aRefusalHasWords(_ code: UInt32, _ command: TPMCommandCode, _ words: String) {
        let answer: [UInt8] = [0x80, 1, 0, 0, 0, 10] + [24, 16, 8, 0].map { UInt8(code >> $0 & 0xFF) }
        do {
            _ = try TPMReply(answer, to: command)
            Issue.record("it is taken for a success")
        } catch {
            #expect("\(error)".hasPrefix("the TPM refused \(command.name): response code \(words)"))
        }
    }

    @Test func aSelectionHasABitForEachPCR() {
        var writer = TPMWriter()
        PCRSelection(.sha384, [23, 7, 11, 7, 24]).write(to: &writer)
        #expect(writer.bytes == [0, 0, 0, 1, 0, 0x0C, 3, 0x80, 0x08, 0x80])
    }
}
