import Foundation
import Machines
import TestKit
import Testing

extension MachineTests {
    /// What a function keeps of its guest, in registers that are not memory: read from outside, and by the next guest.
    @Suite(.stopsMachines) struct ProofOfReset {
        @Test func nothingRemainsInAStoppedGuestsFunction() throws {
            let yard = try Yard(manifest: "proof-devices", iommu: .vtd, extra: ports(["e1000e", "e1000e"]))
            defer { yard.testbed.stop() }
            let machine = yard.testbed.machine, keeper = yard.guest("keeper")
            try keeper.wait(for: "@keeper start", seconds: 60)
            #expect(keeper.lines.contains("@function slot=1 dirty=0"), "\(keeper.lines)")
            // A one in each word: a console that takes any byte for an end mark loses the secret.
            let secret = (0..<32).map { $0 % 8 == 4 ? 1 : UInt8.random(in: 1...254) }
            #expect(try yard.client.writeConsole("keeper", [UInt8(ascii: "S")] + secret) == 33)
            let planted = try keeper.wait(for: "@planted words=", seconds: 30)
            #expect(planted.hasSuffix(" registers=256"), "\(planted)")

            let during = try Snapshot(machine, yard.workspace, name: "proof-reset")
            let ownership = try during.audit(yard.testbed).ownership
            // The card's first BAR: 128 KiB.
            let card = try #require(
                ownership.of(.registers, owner: 1).first { $0.index == 0x200 && $0.range.count == 128 << 10 })
            let words = (0..<8).map { word in
                (0..<4).reduce(0 as UInt32) { $0 | UInt32(secret[word * 4 + $1]) << UInt32(8 * $1) }
            }
            for table in [0x5200, 0x5600] as [UInt64] {
                #expect(try read(machine, card.range.lowerBound + table) == words + words)
            }
            try yard.client.change(.stop, "keeper")
            try yard.wait("keeper") { $0.state == .stopped }
            for table in [0x5200, 0x5600] as [UInt64] {
                #expect(try read(machine, card.range.lowerBound + table).allSatisfy { $0 == 0 || $0 == .max })
            }
            let after = try Snapshot(machine, yard.workspace, name: "proof-reset")
            #expect(after.copies(of: secret).isEmpty, "\(after.copies(of: secret, ownership).joined(separator: "\n"))")

            let first = keeper.lines.count
            try yard.client.change(.start, "keeper")
            let line = try keeper.wait(for: "@keeper start", from: first, seconds: 30)
            #expect(keeper.lines[first...].contains("@function slot=1 dirty=0"), "\(keeper.lines[first...])")
            #expect(line.hasSuffix("clean=yes"), "\(keeper.lines[first...].joined(separator: "\n"))")
        }

        /// 16 words of 32 bits at a physical address, devices included, as QEMU sees them.
        private func read(_ machine: Machine, _ address: UInt64) throws -> [UInt32] {
            let text = try MachineProtocol(machine).monitor("xp /16wx 0x\(String(address, radix: 16))")
            return text.split(whereSeparator: \.isWhitespace).filter { $0.hasPrefix("0x") && !$0.hasSuffix(":") }
                .compactMap { UInt32($0.dropFirst(2), radix: 16) }
        }
    }
}
