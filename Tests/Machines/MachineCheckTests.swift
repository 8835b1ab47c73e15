import Foundation
import Machines
import TestKit
import Testing

extension MachineTests {
    /// Machine checks, as QEMU's monitor has the processor report them. QEMU does not intercept them in a guest (the guest
    /// gets the exception itself), so the exit that silicon makes is not seen here; what root mode does is.
    @Suite(.serialized, .stopsMachines) struct MachineChecks {
        nonisolated(unsafe) static let shared = Result {
            let adversary = try AdversaryMachine(manifest: "containment", Workspace.current())
            return (adversary, try MachineProtocol(adversary.machine))
        }
        let adversary: AdversaryMachine
        let qemu: MachineProtocol

        init() throws { (adversary, qemu) = try unsafe Self.shared.get() }

        private static let valid: UInt64 = 1 << 63, uncorrected: UInt64 = 1 << 61, enabled: UInt64 = 1 << 60
        private static let hasAddress: UInt64 = 1 << 58, contextCorrupt: UInt64 = 1 << 57

        /// - Parameter canGoOn: whether the interrupted program can (MCG_STATUS.RIPV).
        private func report(core: Int, bank: Int = 4, _ status: UInt64, canGoOn: Bool = true) throws {
            let global = 1 << 2 | (canGoOn ? 1 : 0)
            let status = status | Self.valid | Self.enabled
            let words = try qemu.monitor("mce \(core) \(bank) \(status) \(global) 0x1234000 0")
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
            try adversary.machine.wait(for: "machine check: core 2, bank 4,", from: logged, seconds: 10)
            try adversary.wait(for: .crashed, "hostile")
            #expect(try adversary.info("hostile").cause == .machineCheck)
            #expect(try adversary.neighbourProblems().isEmpty)
            try adversary.client.change(.start, "hostile")
            try adversary.restartHostile()
            #expect(try adversary.attack("residue", seconds: 30).isDone)
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
