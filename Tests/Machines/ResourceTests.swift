import ControlClient
import Foundation
import Inventory
import Machines
import TestKit
import Testing
import X86

extension MachineTests {
    /// Parts of caches and of bandwidth: no emulator has them, but Bochs defines registers as it is told. A hypervisor built for tests
    /// takes from the boot volume what the machine enumerates, and then writes and reads back as on silicon. What masks do is not seen.
    @Suite(.serialized, .stopsMachines) struct Resources {
        /// Masks, limits and the class of a Sapphire Rapids: registers and their reserved bits, a write to which is #GP
        /// (Bochs's MSR file: address, type, reset, reserved and ignored bits, each as two halves).
        private static var registers: String {
            func line(_ msr: Int, reset: UInt32 = 0, reserved: UInt64) -> String {
                let words = [
                    0, reset, UInt32(truncatingIfNeeded: reserved >> 32), UInt32(truncatingIfNeeded: reserved), 0, 0,
                ]
                return "0x\(String(msr, radix: 16)) 0 "
                    + words.map { String(format: "%08x", $0) }.joined(separator: " ")
            }
            var lines = [
                line(0xC81, reserved: ~1), line(0xC82, reserved: ~1), line(0xC8D, reserved: ~0x3FF_0000_00FF),
                line(0xC8E, reserved: .max), line(0xC8F, reserved: 0xFFFF_FC00 | 0xFFFF_FFF0 << 32),
            ]
            for number in 0..<15 {
                lines.append(line(0xC90 + number, reset: 0x7FFF, reserved: ~0x7FFF))
                lines.append(line(0xD50 + number, reserved: ~0x7F))
            }
            for number in 0..<8 { lines.append(line(0xD10 + number, reset: 0xFFFF, reserved: ~0xFFFF)) }
            return lines.joined(separator: "\n") + "\n"
        }

        /// What it enumerates: leaf, subleaf, EAX, EBX, ECX, EDX.
        private static var claim: Data {
            let answers: [[UInt32]] = [
                [0, 0, 0x1B, 0x756E_6547, 0x6C65_746E, 0x4965_6E69], [7, 0, 0, 1 << 15 | 1 << 12, 0, 0],
                [0x10, 0, 0, 0xE, 0, 0], [0x10, 1, 0xE, 0x6000, 4, 0xE], [0x10, 2, 0xF, 0, 4, 7],
                [0x10, 3, 0x59, 0, 4, 0xE], [0xF, 0, 0, 0xFF, 0, 2], [0xF, 1, 8, 0x1_0000, 0xFF, 7],
            ]
            return Data("r0000000".utf8)
                + answers.joined().reduce(into: Data()) { data, word in
                    for byte: UInt32 in 0..<4 { data.append(UInt8(truncatingIfNeeded: word >> (8 * byte))) }
                }
        }

        @Test func eachCoreWritesItsMasksAndReadsThemBack() throws {
            let workspace = try Workspace.current(), folder = workspace.cache.appending(path: "tests")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            let msrs = folder.appending(path: "resources-msrs"), claim = folder.appending(path: "resources-claim")
            try Data(Self.registers.utf8).write(to: msrs)
            try Self.claim.write(to: claim)
            let adversary = try AdversaryMachine(
                manifest: "resources", on: .intel, faults: true, workspace,
                files: [.init(path: "fault", source: claim)], extra: ["cpu: msrs=\"\(msrs.path)\""])
            defer { adversary.machine.stop() }
            func failed(_ partition: String) throws -> [UInt32] {
                try adversary.client.selfCheck(partition, limit: .seconds(600)).vcpus.map {
                    ProtectionReport(word: $0).failed
                }
            }
            // What was written is there; each core has registers of its own here, and has written all of them.
            #expect(try failed("neighbour") == [0])
            #expect(try failed("hostile") == [0, 0])
            let inventory = try Inventory(adversary.client)
            #expect(inventory.allocation?.l3?.ways == 15 && inventory.allocation?.l2?.classes == 8)
            // Guests see nothing of it.
            let outcome = try adversary.attack("cpuid", seconds: 20)
            #expect(outcome.lines.contains { $0.contains("cpuid-monitoring-leaves seen=0-nonzero") })
            // A register that changes is noticed, on that core alone.
            #expect(try adversary.attack("fault:unprotect-17", seconds: 20).isDone)
            #expect(try failed("hostile") == [1 << 16, 0])
            #expect(try adversary.attack("fault:unprotect-17", seconds: 20).isDone)
            #expect(try failed("hostile") == [0, 0])
        }
    }
}
