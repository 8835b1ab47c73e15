import Foundation
import Machines
import TestKit
import Testing

extension MachineTests {
    /// Machine checks, as QEMU's monitor has the processor report them. QEMU does not intercept them in a guest (the guest
    /// gets the exception itself), so the exit that silicon makes is not seen here; what root mode does is.
    @Suite(.serialized, .stopsMachines) struct MachineChecks {
        nonisolated(unsafe) static let shared = Result {
            let adversary = try AdversaryMachine(manifest: "machine-checks", Workspace.current())
            return (adversary, try MachineProtocol(adversary.machine))
        }
        let adversary: AdversaryMachine
        let qemu: MachineProtocol

        init() throws { (adversary, qemu) = try unsafe Self.shared.get() }

        private static let valid: UInt64 = 1 << 63, uncorrected: UInt64 = 1 << 61, enabled: UInt64 = 1 << 60
        private static let hasAddress: UInt64 = 1 << 58, contextCorrupt: UInt64 = 1 << 57
        private static let hasMisc: UInt64 = 1 << 59

        /// - Parameters:
        ///   - canGoOn: whether the interrupted program can (MCG_STATUS.RIPV).
        ///   - memory: the physical address that the bank names.
        private func report(
            core: Int, bank: Int = 4, _ status: UInt64, canGoOn: Bool = true, memory: UInt64? = nil
        ) throws {
            let global = 1 << 2 | (canGoOn ? 1 : 0)
            let status = status | Self.valid | Self.enabled | (memory == nil ? 0 : Self.hasAddress | Self.hasMisc)
            let misc = memory == nil ? 0 : 2 << 6 | 6
            let words = try qemu.monitor("mce \(core) \(bank) \(status) \(global) \(memory ?? 0x123_4000) \(misc)")
            #expect(words.isEmpty, "\(words)")
        }

        @Test func theHousekeepingCoreGoesOnAfterOneThatItCanBear() throws {
            let logged = adversary.machine.console.lines.count
            try report(core: 0, Self.uncorrected | Self.hasAddress)
            let line = try adversary.machine.wait(for: "machine check: core 0, bank 4,", from: logged, seconds: 10).line
            #expect(line.contains("address 0x1234000"), "\(line)")
            #expect(try adversary.info("hostile").state == .running)
            #expect(try adversary.neighbourProblems().isEmpty)
            #expect(try adversary.attack("cpuid", seconds: 30).isDone)
        }

        static let endings: [(status: UInt64, canGoOn: Bool)] = [
            (uncorrected, true), (uncorrected | contextCorrupt, false),
        ]

        /// The core is in root mode while its guest is paused.
        @Test(arguments: endings) func onlyThePartitionOfTheCoreEnds(_ error: (status: UInt64, canGoOn: Bool)) throws {
            try adversary.client.change(.pause, "hostile")
            try adversary.wait(for: .paused, "hostile")
            let logged = adversary.machine.console.lines.count
            try report(core: 2, error.status, canGoOn: error.canGoOn)
            try expectEnd(logged: logged)
            #expect(try adversary.attack("residue", seconds: 30).isDone)
        }

        /// Where machine checks come to all cores alike, a bank that several see names memory of one partition. QEMU has no
        /// such banks on this processor: here a core sees what another partition's would see as well.
        @Test func anErrorInMemoryIsItsOwners() throws {
            let other: UInt64 = 0x2000_0000, own: UInt64 = 0x2800_0000
            try adversary.client.change(.pause, "hostile")
            try adversary.wait(for: .paused, "hostile")
            // The second one is not an overflow of the first, which would have no address, and be this partition's.
            for _ in 0..<2 {
                let logged = adversary.machine.console.lines.count, named = "machine check: core 2, bank 4,"
                try report(core: 2, Self.uncorrected, memory: other + 0x5040)
                let line = try adversary.machine.wait(for: named, from: logged, seconds: 10).line
                #expect(line.hasSuffix("in memory of another partition or of none"), "\(line)")
                adversary.machine.run(seconds: 1)
                #expect(try adversary.info("hostile").state == .paused)
            }
            let logged = adversary.machine.console.lines.count
            try report(core: 2, Self.uncorrected, memory: own + 0x5040)
            try expectEnd(logged: logged)
        }

        /// The partition of core 2 has ended, the other notices nothing, and a new guest starts.
        private func expectEnd(logged: Int) throws {
            try adversary.machine.wait(for: "machine check: core 2, bank 4,", from: logged, seconds: 10)
            try adversary.wait(for: .crashed, "hostile")
            #expect(try adversary.info("hostile").cause == .machineCheck)
            #expect(try adversary.neighbourProblems().isEmpty)
            try adversary.client.change(.start, "hostile")
            try adversary.restartHostile()
        }

        @Test func theGuestsOwnIsNobodyElses() throws {
            #expect(try adversary.attack("machine-checks-on", seconds: 30).isDone)
            try report(core: 2, Self.uncorrected)
            try adversary.hostile.wait(for: "@abort cpu=0 vector=#MC", seconds: 10)
            #expect(try adversary.neighbourProblems().isEmpty)
            try adversary.restartHostile()
        }
    }
}
