import TPM
import Testing

@testable import Seal

/// The list that root mode reads: its commands, and where handles are put in.
@Suite struct UnsealCommandsTests {
    private let blob = SealedBlob(
        privateArea: [UInt8](repeating: 0xFF, count: 200), publicArea: [UInt8](repeating: 0xFF, count: 60))

    private func policy(_ byte: UInt8 = 1, counter: UInt64? = nil) throws -> SealPolicy {
        try SealPolicy(
            .sha256, [7: [UInt8](repeating: byte, count: 32), 11: [UInt8](repeating: 2, count: 32)],
            counter: counter)
    }

    @Test func sevenCommandsOneBehindTheOther() throws {
        let list = try UnsealCommands(blob, policy(), parent: StorageKey.handle)
        let codes = list.commands.map(\.code)
        #expect(
            codes == [
                .startAuthSession, .policyPCR, .load, .unseal, .flushContext, .flushContext, .readPublic,
            ])
        #expect(codes.count <= UnsealCommands.mostCommands && list.bytes.count < 600)
        // Each one's size leads to the next.
        var place = 0
        for command in list.commands {
            #expect(Array(list.bytes[place..<place + command.bytes.count]) == command.bytes)
            place += list.bytes[place + 2..<place + 6].reduce(0) { $0 << 8 | Int($1) }
        }
        #expect(place == list.bytes.count)
    }

    /// The counter's comparison comes before the object, whose number is one more then: eight, as root mode sends at most.
    @Test func theCounterIsOneMore() throws {
        // Its value looks like a handle, and stays what it is.
        let list = try UnsealCommands(blob, policy(counter: 0xFFFF_FF00_FFFF_FF00), parent: StorageKey.handle)
        #expect(
            list.commands.map(\.code) == [
                .startAuthSession, .policyPCR, .policyNV, .load, .unseal, .flushContext, .flushContext, .readPublic,
            ])
        let found = list.commands.map { UnsealCommands.references(in: $0.bytes) }
        #expect(found == [[:], [10: 0], [18: 0], [:], [10: 3, 18: 0], [10: 3], [10: 0], [:]])
        #expect(list.commands.count == UnsealCommands.mostCommands)
        let index: [UInt8] = [0x01, 0x80, 0x4C, 0x4B]
        let expected: [UInt8] =
            [0x80, 2, 0, 0, 0, 49, 0, 0, 1, 0x49] + index + index + [0xFF, 0xFF, 0xFF, 0, 0, 0, 0, 9, 0x40, 0, 0, 9]
            + [0, 0, 0, 0, 0, 0, 8, 0xFF, 0xFF, 0xFF, 0, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0, 7]
        #expect(list.commands[2].bytes == expected)
    }

    @Test func handlesStandInTheirPlaces() throws {
        let list = try UnsealCommands(blob, policy(), parent: StorageKey.handle)
        let found = list.commands.map { UnsealCommands.references(in: $0.bytes) }
        #expect(found == [[:], [10: 0], [:], [10: 2, 18: 0], [10: 2], [10: 0], [:]])
        #expect(Array(list.commands[1].bytes[10..<14]) == [0xFF, 0xFF, 0xFF, 0])
        #expect(Array(list.commands[3].bytes[18..<22]) == [0xFF, 0xFF, 0xFF, 0])
        #expect(Array(list.commands[2].bytes[10..<14]) == [0x81, 0, 0, 1])
        // The digest of a policy that looks like one is none: its command has no authorizations.
        var digest = [UInt8](repeating: 0, count: 32)
        digest.replaceSubrange(2..<6, with: [0xFF, 0xFF, 0xFF, 2])
        let command = try TPMCommand.policyPCR(0x0300_0000, policy().selection, digest: digest)
        #expect(Array(command.bytes[18..<22]) == [0xFF, 0xFF, 0xFF, 2])
        #expect(UnsealCommands.references(in: command.bytes).isEmpty)
    }

    @Test func whatRootModeWouldNotTakeIsNotMade() throws {
        #expect(throws: SealError.self) { try UnsealCommands(blob, policy(), parent: 0xFFFF_FF02) }
        let long = SealedBlob(privateArea: [UInt8](repeating: 0, count: 3900), publicArea: [])
        #expect(throws: SealError.self) { try UnsealCommands(long, policy(), parent: StorageKey.handle) }
    }
}
