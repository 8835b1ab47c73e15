import Foundation
import Machines
import Testing

extension MachineTests {
    /// A machine with a screen: what is said while the firmware runs is there too, and a refusal stays until a key is pressed.
    /// The volume has it afterwards.
    @Suite(.serialized, .stopsMachines) struct Screen {
        /// A picture of the screen, and how many rows of it are lit at all.
        private struct Picture {
            var litRows = 0

            init(_ control: MachineProtocol, _ file: URL) throws {
                try control.execute("screendump", ["filename": file.path])
                // P6, width, height, 255, and three bytes a pixel.
                let bytes = [UInt8](try Data(contentsOf: file))
                var numbers: [Int] = [], at = 2
                while numbers.count < 3 {
                    while bytes[at] <= 0x20 { at += 1 }
                    var number = 0
                    while bytes[at] > 0x20 {
                        number = number * 10 + Int(bytes[at] - 0x30)
                        at += 1
                    }
                    numbers.append(number)
                }
                let (width, height, pixels) = (numbers[0], numbers[1], at + 1)
                try #require(bytes.count >= pixels + width * height * 3)
                for y in 0..<height {
                    // Left of the middle, where firmware has its picture.
                    let row = bytes[(pixels + y * width * 3)..<(pixels + (y * width + width * 2 / 5) * 3)]
                    if row.contains(where: { $0 > 0x80 }) { litRows += 1 }
                }
            }
        }

        private static func volume(_ name: String, _ manifest: [UInt8], _ workspace: Workspace) throws -> URL {
            let disk = workspace.cache.appending(path: "tests/screen-\(name).img")
            // Made anew: the last run has written to it.
            try? FileManager.default.removeItem(at: disk)
            let image = BootVolumeImage.Image(
                path: "neighbour.elf", source: workspace.cache.appending(path: "images/neighbour.elf"))
            try BootVolumeImage(hypervisor: workspace.hypervisor, manifest: manifest, images: [image]).writeImage(
                to: disk)
            return disk
        }

        @Test func aRefusalIsSeenUntilAKeyIsPressed() throws {
            let folder = URL(filePath: #filePath).deletingLastPathComponent()
            let workspace = Workspace(root: folder.deletingLastPathComponent().deletingLastPathComponent())
            try buildAdversaries(workspace)
            let partition = "  - {name: small, cores: [1], memory: 64M, image: neighbour.elf}\n"
            let refused = try Self.volume("refused", RefusalMachine.compile(partition, cores: 8), workspace)
            let good = try Self.volume("good", RefusalMachine.compile(partition), workspace)
            var emulator = Emulator()
            emulator.cores = 2
            emulator.memory = 512 << 20
            emulator.isPersistent = true
            emulator.extra = [
                "-device", "VGA", "-drive", "if=none,id=good,format=raw,file=\(good.path)",
                "-device", "virtio-blk-pci,drive=good,bootindex=1",
            ]
            let log = workspace.cache.appending(path: "tests/screen.log")
            let machine = try Machine(emulator, volume: refused, log: log)
            defer { machine.stop() }
            let line = machine.wait(seconds: 120) { $0.hasPrefix("bulkhead: refused: ") ? $0 : nil }
            #expect(line?.value.contains("R80 ") == true, "\(machine.console.lines)")
            let control = try MachineProtocol(machine)
            machine.run(seconds: 1)
            func starts() -> Int { machine.console.lines.count { $0.hasPrefix("bulkhead: version") } }
            #expect(starts() == 1, "it stays")
            // A line is 19 pixels high, and letters light half of them.
            // Ours, two that are on the screen only, and what firmware had said.
            let said = machine.console.lines.count { $0.hasPrefix("bulkhead: ") || $0.contains("BdsDxe: ") } + 2
            let picture = try Picture(control, workspace.cache.appending(path: "tests/screen.ppm"))
            #expect(said >= 6)
            #expect((said * 7...said * 19).contains(picture.litRows), "\(said): \(picture.litRows)")
            try control.execute("send-key", ["keys": [["type": "qcode", "data": "ret"]]])
            let next = machine.wait(seconds: 60) { line in starts() == 2 ? line : nil }
            #expect(next != nil, "the firmware goes on to the next volume")
            // Once only, on the serial port: what the screen shows is not said there again.
            #expect(machine.console.lines.count { $0.contains("refused: ") } == 1)
            machine.stop()
            let kept = try #require(try VolumeReader(refused).read("BULKHEAD/boot.log", atMost: 1 << 20))
            let lines = String(decoding: kept, as: UTF8.self).split(separator: "\n").map(String.init)
            #expect(lines.first?.hasPrefix("bulkhead: version ") == true && lines.last == line?.value, "\(lines)")
            // A boot that succeeds writes nothing.
            #expect(try VolumeReader(good).read("BULKHEAD/boot.log", atMost: 1 << 20) == nil)
        }
    }
}
