import Foundation
import Machines
import Testing

/// Whole machines, one after the other: they take all processors of the host.
@Suite(.serialized) enum MachineTests {}

extension MachineTests {
    @Suite struct Firmware {
        @Test func anImageThatFirmwareRefusesIsReportedAsNeverStarted() throws {
            let folder = FileManager.default.temporaryDirectory.appending(path: "bulkhead-tests-\(UUID().uuidString)")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(at: folder) }
            let garbage = folder.appending(path: "garbage")
            try Data(repeating: 0x42, count: 8192).write(to: garbage)
            let image = folder.appending(path: "boot.img")
            try BootVolumeImage(hypervisor: garbage, manifest: [0], images: []).writeImage(to: image)
            var emulator = Emulator()
            emulator.memory = 512 << 20
            let machine = try Machine(emulator, volume: image)
            defer { machine.stop() }
            // The firmware gives up when it has tried; until then a slow host has not let it.
            _ = machine.wait(seconds: 120) { $0.contains("BdsDxe") ? true : nil }
            let error = #expect(throws: MachineError.self) { try machine.waitForHypervisor(seconds: 2) }
            guard case .neverStarted(_, let log) = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            #expect(log.contains("BdsDxe"), "the firmware's own words are shown: \(log)")
        }

        @Test func anEmulatorThatCannotStartIsReportedWithItsWords() throws {
            var emulator = Emulator()
            emulator.processor = "no-such-processor"
            let machine = try Machine(emulator, volume: URL(filePath: "/dev/null"))
            defer { machine.stop() }
            let error = #expect(throws: MachineError.self) { try machine.waitForHypervisor(seconds: 20) }
            #expect(error?.description.contains("no-such-processor") == true)
        }
    }
}
