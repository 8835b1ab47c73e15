import TPM
import Testing

@testable import Seal

/// The list that root mode reads: its commands, and where handles are put in.
@Suite struct UnsealCommandsTests {
    private let blob = SealedBlob(
        privateArea: [UInt8](repeating: 0xFF, count: 200), publicArea: [UInt8](repeating: 0xFF, count: 60))

    private func policy(_ byte: UInt8 = 1) throws -> SealPolicy {
        try SealPolicy(
            .sha256, [7: [UInt8](repeating: byte, count: 32), 11: [UInt8](repeating: 2, count: 32)])
    }

    @Test func sevenCommandsOneBehindTheOther() throws {
        let list = try UnsealCommands(blob, policy(), parent: StorageKey.handle)
        let codes = list.commands.map(\.code)
        #expect(
            codes == [
                .startAuthSession, .policyPCR, .load, .unseal, .flushContext, .flushContext, .readPublic,
            ])
        #expect(codes[UnsealCommands.unseal] == .unseal)
        #expect(codes.count <= UnsealCommands.mostCommands && list.bytes.count < 600)
        // Each one's size leads to the next.
        var place = 0
        for command in list.commands {
            #expect(Array(list.bytes[place..<place + command.bytes.count]) == command.bytes)
            place += list.bytes[place + 2..<place + 6].reduce(0) { $0 << 8 | Int($1) }
        }
        #expect(place == list.bytes.count)
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
