import Control
import ControlClient
import Foundation
import Machines
import Manifest
import ManifestFile
import Testing
import UnitSupport

/// A machine whose volume keeps what is written to it, so that it can be reset and looked at afterwards.
private final class PersistentMachine {
    let machine: Machine
    let disk: URL
    private let workspace: Workspace
    private var resets = 0

    /// - Parameters:
    ///   - bootFault: what the hypervisor does to itself while it sets the machine up.
    ///   - engine: whether the guest has a DMA engine, which an IOMMU keeps in bounds.
    init(_ name: String, bootFault: String? = nil, engine: Bool = false) throws {
        let folder = URL(filePath: #filePath).deletingLastPathComponent()
        workspace = Workspace(root: folder.deletingLastPathComponent().deletingLastPathComponent())
        try buildAdversaries(workspace)
        let images = workspace.cache.appending(path: "images")
        let (manifest, bytes) = try compileManifest(
            folder.appending(path: "Manifests/crash\(engine ? "-device" : "").yaml").path, images: .folder(images.path))
        var files = [BootVolumeImage.Image(path: "hostile.elf", source: images.appending(path: "hostile.elf"))]
        if let bootFault {
            let file = images.appending(path: "fault-\(bootFault)")
            try Data(bootFault.utf8).write(to: file)
            files.append(.init(path: "fault", source: file))
        }
        disk = workspace.cache.appending(path: "tests/crash-\(name).img")
        // Made anew: the last run has written to it.
        try? FileManager.default.removeItem(at: disk)
        try BootVolumeImage(hypervisor: workspace.faultyHypervisor, manifest: bytes, images: files).writeImage(to: disk)
        var emulator = Emulator()
        emulator.cores = manifest.machineCores
        emulator.memory = manifest.machineMemory
        emulator.isPersistent = true
        if engine {
            emulator.iommu = .vtd
            emulator.extra = ["-device", "edu,dma_mask=0xffffffffffffffff,addr=10.0"]
        }
        machine = try Machine(emulator, volume: disk, log: workspace.cache.appending(path: "tests/crash-\(name).log"))
        try machine.waitForHypervisor()
    }

    /// A warm reset, up to the hypervisor's first line.
    func reset() throws {
        try MachineProtocol(machine).execute("system_reset")
        let banner = "bulkhead: version"
        let first = machine.console.lines.count
        try machine.wait(for: banner, from: first, seconds: 60)
    }

    /// What `crash show` prints of the volume, or of what the options name.
    func show(_ options: String...) throws -> (status: Int32, text: String) {
        let run = try ToolRun(
            ["crash", "show"] + (options.contains("--memory") ? [] : ["--volume", disk.path]) + options)
        return (run.status, run.output + run.errors)
    }
}

extension MachineTests {
    /// Crash records outlive a warm reset and tell who crashed where.
    @Suite(.serialized, .stopsMachines) struct Crashes {
        /// "f": while the firmware runs; "b": when it has been left.
        @Test(arguments: ["b"] + Nightly.also(["f"])) func aFaultAtBootIsFoundByTheNextBoot(_ phase: String) throws {
            let crashed = try PersistentMachine("boot-\(phase)", bootFault: phase)
            try crashed.machine.wait(for: "fault in the hypervisor: boot, vector 6", seconds: 30)
            #expect(try crashed.show().status == 1, "nothing is on the volume before the reset")
            try crashed.reset()
            try crashed.machine.wait(for: "crash record found: boot fault, vector 6", seconds: 30)
            // The same fault again, behind the collection.
            let count = crashed.machine.console.lines.count
            try crashed.machine.wait(for: "fault in the hypervisor: boot", from: max(count - 1, 0), seconds: 30)
            crashed.machine.stop()
            let (status, text) = try crashed.show()
            #expect(status == 0)
            #expect(text.hasPrefix("boot fault: while the machine was set up"), "\(text)")
            #expect(text.contains("vector 6 (invalid opcode)") && text.contains("(start("), "\(text)")
        }

        @Test func crashesOfAGuestAndBelowItAreFoundByTheNextBoot() throws {
            let crashed = try PersistentMachine("guest")
            let client = try ControlClient(crashed.machine)
            _ = try crashed.machine.explaining { try client.waitUntilUp(.seconds(60)) }
            let console = GuestConsole(partition: "hostile")
            var lines = 0
            console.onLine = { if $0.hasPrefix("@ready") { lines += 1 } }
            func wait(_ isDone: () throws -> Bool) throws {
                let deadline = crashed.machine.deadline(seconds: 60)
                while try !isDone() {
                    try #require(!deadline.isOver, "\(console.lines.suffix(20))")
                    try console.exchange(client)
                    Thread.sleep(forTimeInterval: 0.02)
                }
            }
            func state() throws -> PartitionState? { try client.list().first?.state }

            try wait { lines == 1 }
            // What the second vCPU of the next guest does is not its predecessor's.
            console.type(line: "second:exits")
            try wait { lines == 2 }
            try client.change(.restart, "hostile")
            try wait { lines == 3 }
            console.type(line: "second:triple")
            try wait { lines == 4 }
            console.type(line: "reset:triple")
            try wait { lines == 5 }
            for (kind, ready) in [("trap", 6), ("stack", 7)] {
                console.type(line: "fault:\(kind)")
                try wait { try state() == .crashed }
                try client.change(.start, "hostile")
                try wait { lines == ready }
            }
            try crashed.reset()
            let found = "crash record found: "
            let first = try crashed.machine.wait(for: found + "triple fault, core 1, partition hostile", seconds: 30)
            try crashed.machine.wait(for: found + "hypervisor fault, core 1", from: first.index, seconds: 30)
            try crashed.machine.wait(for: found + "triple fault, core 2", from: first.index, seconds: 30)
            // The machine goes on as if nothing had been.
            _ = try client.waitUntilUp(.seconds(60))
            crashed.machine.stop()

            let (status, text) = try crashed.show()
            #expect(status == 0)
            let records = text.components(separatedBy: "\n\n")
            try #require(records.count == 4, "\(text)")
            #expect(records[3].hasPrefix("triple fault: core 2, partition hostile, vCPU 1 (record 1)"), "\(text)")
            #expect(records[3].contains("0x7f (shutdown) at 0x") && !records[3].contains("0x89 ("), "\(text)")
            #expect(records[0].hasPrefix("triple fault: core 1, partition hostile, vCPU 0 (record 1)"), "\(text)")
            #expect(records[0].contains("exit 0x7f (shutdown)") && records[0].contains("0x7f (shutdown) at 0x"))
            #expect(records[1].hasPrefix("hypervisor fault: core 1, partition hostile, vCPU 0 (record 2)"), "\(text)")
            #expect(records[1].contains("vector 6 (invalid opcode)") && records[1].contains("injectFault"), "\(text)")
            // The guest asked for it by RAX, RBX and a VMMCALL.
            #expect(records[1].contains("rax    0x4641554c") && records[1].contains("0x81 (VMMCALL) at 0x"), "\(text)")
            #expect(records[2].contains("vector 8 (double fault)") && records[2].contains("injectFault"), "\(text)")

            let decoded = try crashed.show("--json", "--last", "2").text
            let json = try #require(try JSONSerialization.jsonObject(with: Data(decoded.utf8)) as? [[String: Any]])
            #expect(json.count == 2 && json[0]["vector"] as? Int == 8 && json[0]["partition"] as? String == "hostile")
            #expect((json[0]["time"] as? Double ?? 0) > 1_600_000_000)
        }

        /// One record for each start of the partition, however often its function is refused.
        @Test func whatADeviceWasRefusedIsFoundByTheNextBoot() throws {
            let crashed = try PersistentMachine("device", engine: true)
            let client = try ControlClient(crashed.machine)
            _ = try crashed.machine.explaining { try client.waitUntilUp(.seconds(60)) }
            let console = GuestConsole(partition: "hostile")
            func wait(for text: String, from first: Int) throws -> String {
                let deadline = crashed.machine.deadline(seconds: 60)
                while true {
                    if let line = console.lines.dropFirst(first).first(where: { $0.hasPrefix(text) }) { return line }
                    try #require(!deadline.isOver, "\(console.lines.suffix(20))")
                    try console.exchange(client)
                    Thread.sleep(forTimeInterval: 0.02)
                }
            }
            /// Behind the partition's memory: twice the same, then where the hypervisor is not either.
            for (start, targets) in [["0x10000000", "0x10000000", "0x20000000"], ["0x30000000"]].enumerated() {
                let first = console.lines.count
                if start > 0 {
                    try client.change(.restart, "hostile")
                    _ = try wait(for: "@hostile start", from: first)
                }
                for target in targets {
                    _ = try wait(for: "@ready", from: first)
                    let count = console.lines.count
                    console.type(line: "dma:\(target)")
                    let seen = try wait(for: "@attempt dma ", from: count)
                    #expect(seen.hasPrefix("@attempt dma seen=ended=yes,own=yes,found="), "\(seen)")
                    try crashed.machine.wait(for: "the IOMMU refused requester 0x80: read from \(target)", seconds: 10)
                }
            }
            try crashed.reset()
            let found = "crash record found: device fault, core 0, partition hostile, requester 0x80, address "
            let first = try crashed.machine.wait(for: found + "0x10000000", seconds: 30)
            try crashed.machine.wait(for: found + "0x30000000", from: first.index, seconds: 30)
            _ = try client.waitUntilUp(.seconds(60))
            crashed.machine.stop()
            let (status, text) = try crashed.show()
            #expect(status == 0)
            let records = text.components(separatedBy: "\n\n")
            try #require(records.count == 2, "\(text)")
            for (index, address) in ["0x10000000", "0x30000000"].enumerated() {
                let record = records[index]
                #expect(record.hasPrefix("device fault: core 0, partition hostile (record \(index + 1))"), "\(record)")
                #expect(record.contains("what        00:10.0, read, address \(address), reason "), "\(record)")
            }
        }

        @Test func aRecordIsShownFromAMemoryDump() throws {
            let crashed = try PersistentMachine("dump", bootFault: "b")
            try crashed.machine.wait(for: "fault in the hypervisor: boot, vector 6", seconds: 30)
            let dump = FileManager.default.temporaryDirectory.appending(path: "bulkhead-crash-\(UUID().uuidString)")
            defer { try? FileManager.default.removeItem(at: dump) }
            try MachineProtocol(crashed.machine).save(0..<0x20_0000, to: dump)
            crashed.machine.stop()
            let (status, text) = try crashed.show("--memory", dump.path)
            #expect(status == 0 && text.hasPrefix("boot fault: while the machine was set up (record 1)"), "\(text)")
            try Data(count: 0x20_0000).write(to: dump)
            #expect(try crashed.show("--memory", dump.path).status == 1)
        }
    }
}
