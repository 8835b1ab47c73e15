import Foundation
import Machines
import Testing

extension MachineTests {
    /// What memory holds where crash records may lie is anybody's: whoever ran before a warm reset has written it.
    @Suite(.serialized, .stopsMachines) struct CrashHeader {
        @Test func aHeaderFoundInMemoryNamesNoPlaceThatIsWritten() throws {
            let place: UInt64 = 0x10_0000, victim: UInt64 = 0x18_0000, pattern: UInt64 = 0x5A5A_5A5A_5A5A_5A5A
            let signature: UInt64 = 0x3148_5341_5243_4842
            // Written at each reset, as by a program that ran before it.
            let words = [
                (place, signature), (place + 8, ~signature ^ place), (place + 16, victim), (victim, pattern),
                (victim + 0x1000, pattern), (victim + 0x2000, pattern),
            ]
            let extra = words.flatMap { address, value in
                ["-device", String(format: "loader,addr=0x%lx,data=0x%lx,data-len=8", address, value)]
            }
            let machine = try BootedMachine(manifest: "crash", extra: extra)
            defer { machine.testbed.stop() }
            let dump = FileManager.default.temporaryDirectory.appending(path: "bulkhead-header-\(UUID().uuidString)")
            defer { try? FileManager.default.removeItem(at: dump) }
            try MachineProtocol(machine.testbed.machine).save(0..<0x20_0000, to: dump)
            let memory = try Data(contentsOf: dump)
            func word(_ address: UInt64) -> UInt64 {
                (0..<8).reduce(0) { $0 | UInt64(memory[Int(address) + $1]) << UInt64(8 * $1) }
            }
            #expect(word(place) == signature && word(place + 16) == place, "the region lies where the header was")
            for offset in [0, 0x1000, 0x2000] as [UInt64] { #expect(word(victim + offset) == pattern) }
        }
    }
}
