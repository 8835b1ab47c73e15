import Foundation
import Machines
import TestKit
import Testing

extension MachineTests {
    /// What a function keeps of its guest, in registers that are not memory: read from outside, and by the next guest.
    @Suite(.stopsMachines) struct ProofOfReset {
        @Test func nothingRemainsInAStoppedGuestsFunction() throws {
            let machine = try BootedMachine(
                manifest: "proof-devices", iommu: .vtd, extra: ports(["e1000e", "e1000e"]))
            defer { machine.testbed.stop() }
            let emulated = machine.testbed.machine, victim = machine.guest("victim")
            try victim.wait(for: "@victim start", seconds: 60)
            #expect(victim.lines.contains("@function slot=1 dirty=0"), "\(victim.lines)")
            // A one in each word: a console that takes any byte for an end mark loses the secret.
            let secret = (0..<32).map { $0 % 8 == 4 ? 1 : UInt8.random(in: 1...254) }
            #expect(try machine.client.writeConsole("victim", [UInt8(ascii: "S")] + secret) == 33)
            let planted = try victim.wait(for: "@planted words=", seconds: 30)
            #expect(planted.hasSuffix(" registers=256"), "\(planted)")

            let during = try Snapshot(emulated, machine.workspace, name: "proof-reset")
            let ownership = try during.audit(machine.testbed).ownership
            // The card's first BAR: 128 KiB.
            let card = try #require(
                ownership.of(.registers, owner: 1).first { $0.index == 0x200 && $0.range.count == 128 << 10 })
            let words = (0..<8).map { word in
                (0..<4).reduce(0 as UInt32) { $0 | UInt32(secret[word * 4 + $1]) << UInt32(8 * $1) }
            }
            for table in [0x5200, 0x5600] as [UInt64] {
                #expect(try read(emulated, card.range.lowerBound + table) == words + words)
            }
            try machine.client.change(.stop, "victim")
            try machine.wait("victim") { $0.state == .stopped }
            for table in [0x5200, 0x5600] as [UInt64] {
                #expect(try read(emulated, card.range.lowerBound + table).allSatisfy { $0 == 0 || $0 == .max })
            }
            let after = try Snapshot(emulated, machine.workspace, name: "proof-reset")
            #expect(after.copies(of: secret).isEmpty, "\(after.copies(of: secret, ownership).joined(separator: "\n"))")

            let first = victim.lines.count
            try machine.client.change(.start, "victim")
            let line = try victim.wait(for: "@victim start", from: first, seconds: 30)
            #expect(victim.lines[first...].contains("@function slot=1 dirty=0"), "\(victim.lines[first...])")
            #expect(line.hasSuffix("clean=yes"), "\(victim.lines[first...].joined(separator: "\n"))")
        }

        /// 16 words of 32 bits at a physical address, devices included, as QEMU sees them.
        private func read(_ machine: Machine, _ address: UInt64) throws -> [UInt32] {
            let text = try MachineProtocol(machine).monitor("xp /16wx 0x\(String(address, radix: 16))")
            return text.split(whereSeparator: \.isWhitespace).filter { $0.hasPrefix("0x") && !$0.hasSuffix(":") }
                .compactMap { UInt32($0.dropFirst(2), radix: 16) }
        }
    }
}
