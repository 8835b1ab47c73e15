import Control
import ControlClient
import Foundation
import Machines
import TestKit
import Testing

extension MachineTests {
    /// What one partition's guests, devices or managers do without end costs the others nothing: the link answers, and the
    /// guest that shares the core which answers keeps its share. COM1 takes what a line of 115200 baud carries.
    @Suite(.serialized, .stopsMachines) struct Storms {
        fileprivate static let devices = [
            "-device", "virtio-rng-pci,disable-legacy=on,iommu_platform=on,addr=10.0",
        ]
        nonisolated(unsafe) static let shared = Result {
            try BootedMachine(manifest: "storms", iommu: .vtd, com1Rate: 11_520, extra: devices)
        }

        private static func ticks(_ guest: ScriptedGuest) throws -> Int {
            let first = guest.lines.count
            guest.type("r")
            let line = try guest.wait(for: "@neighbour ticks=", from: first, seconds: 30)
            try #require(line.contains(" missed=0 ") && line.contains(" unexpected=0 "), "\(line)")
            return try #require(line.split(separator: " ").dropFirst().first.flatMap { Int($0.dropFirst(6)) })
        }

        /// What the neighbour counts during `body` for each tick of the same guest on a core that answers nobody: what slows the
        /// emulator slows both.
        private static func share(
            _ neighbour: ScriptedGuest, _ reference: ScriptedGuest, _ body: () throws -> Void
        ) throws -> Double {
            let before = (own: try ticks(neighbour), other: try ticks(reference))
            try body()
            let after = (own: try ticks(neighbour), other: try ticks(reference))
            return Double(after.own - before.own) / Double(max(after.other - before.other, 1))
        }

        /// The same while the machine does `body` and goes on for two seconds of progress.
        private func share(_ machine: BootedMachine, _ body: () throws -> Void) throws -> Double {
            try Self.share(machine.guest("neighbour"), machine.guest("reference")) {
                try body()
                machine.testbed.machine.run(seconds: 2)
            }
        }

        private func expectAnswers(_ machine: BootedMachine) throws {
            for _ in 0..<50 { #expect(try machine.client.hello().cores == 6) }
        }

        /// What ends by a reboot takes the same way as what crashes; the third is also told of in lines of the log.
        private static let short =
            [("crasher", StateCause.tripleFault), ("violator", .violation)] + Nightly.also([("rebooter", .reboot)])

        @Test(arguments: short)
        func aGuestThatEndsAtOnceIsStartedLessAndLessOften(_ name: String, _ cause: StateCause) throws {
            let machine = try unsafe Self.shared.get()
            for name in ["neighbour", "reference"] {
                try machine.guest(name).wait(for: "@neighbour start", seconds: 60)
            }
            let quiet = try share(machine) { try expectAnswers(machine) }
            let lines = machine.testbed.machine.console.lines.count
            let stormed = try share(machine) {
                try machine.client.change(.start, name)
                try expectAnswers(machine)
            }
            #expect(stormed > min(quiet, 1) * 0.85, "a share of \(stormed), \(quiet) without")
            // Four starts at once, then after 100, 200, 400 ms and so on.
            let waiting = try machine.wait(name, seconds: 60) { $0.startsInMicroseconds > 900_000 }
            #expect(waiting.state == .starting && waiting.cause == cause && waiting.starts >= 8)
            let begun = ContinuousClock.now
            machine.testbed.machine.run(seconds: 3)
            let most = Int((ContinuousClock.now - begun) / .seconds(1.6)) + 2
            #expect(try machine.info(name).starts <= waiting.starts + UInt64(most))
            if name == "violator" {
                let said = machine.testbed.machine.console.lines.dropFirst(lines)
                #expect(said.contains { $0.hasPrefix("bulkhead: partition violator, vCPU 0: ") })
            }
            // It is stopped while it waits, and begins anew when a manager starts it.
            try machine.wait(name, seconds: 60) { $0.startsInMicroseconds > 500_000 }
            try machine.client.change(.stop, name)
            let stopped = try machine.wait(name) { $0.state == .stopped }
            #expect(stopped.cause == .manager && stopped.startsInMicroseconds == 0)
            try machine.client.change(.start, name)
            try machine.wait(name, seconds: 60) { $0.starts >= stopped.starts + 4 }
            try machine.wait(name, seconds: 60) { $0.startsInMicroseconds > 0 }
            try machine.client.change(.stop, name)
            try machine.wait(name) { $0.state == .stopped }
            #expect(try machine.info("neighbour").starts == 1)
        }

        @Test func aDeviceThatIsRefusedAllTheTimeHoldsNobodyUp() throws {
            let machine = try unsafe Self.shared.get()
            for name in ["neighbour", "reference"] {
                try machine.guest(name).wait(for: "@neighbour start", seconds: 60)
            }
            let quiet = try share(machine) { try expectAnswers(machine) }
            _ = try machine.events(of: "flooder", from: 0)
            func refusals() -> Int {
                machine.testbed.machine.console.lines.count { $0.contains("the IOMMU refused requester") }
            }
            let refused = refusals(), start = ContinuousClock.now
            let stormed = try share(machine) {
                try machine.client.change(.start, "flooder")
                try machine.guest("flooder").wait(for: "@try storm:entropy", seconds: 60)
                try expectAnswers(machine)
            }
            #expect(stormed > min(quiet, 1) * 0.85, "a share of \(stormed), \(quiet) without")
            // What another partition does is told meanwhile, in its turn.
            try machine.client.change(.start, "crasher")
            try machine.wait("crasher", seconds: 60) { $0.starts >= 4 }
            var told: [String: Int] = [:]
            for _ in 0..<200 where told["flooder device"] == nil || told["crasher"] == nil {
                guard let next = try machine.client.nextEvent(timeout: .seconds(1)) else { continue }
                let name: String = next.event.partition.string
                told[next.event.kind == .device ? name + " device" : name, default: 0] += 1
            }
            #expect(told["flooder device"] ?? 0 > 0 && told["crasher"] ?? 0 > 0, "\(told)")
            // 16 at once and 16 a second are read and told; the machine's seconds are not shorter than the host's.
            let seconds = (ContinuousClock.now - start) / .seconds(1), read = refusals() - refused
            #expect(read > 0 && Double(read) < 16 + 16 * (seconds + 1), "\(read) in \(seconds) s")
            for name in ["crasher", "flooder"] {
                try machine.client.change(.stop, name)
                try machine.wait(name) { $0.state == .stopped }
            }
        }

        /// The link itself at the speed of a line.
        @Test func aManagerThatAsksWithoutEndIsAnsweredAtTheLinesSpeed() throws {
            let machine = try Machine.booted("storms")
            defer { machine.stop() }
            let line = try ByteStream.open(machine.link.path), client = ControlClient(line, to: machine)
            _ = try machine.explaining { try client.waitUntilUp(.seconds(90)) }
            let guest = ScriptedGuest("neighbour", client, on: machine)
            try guest.wait(for: "@neighbour start", seconds: 60)
            let reference = ScriptedGuest("reference", client, on: machine)
            try reference.wait(for: "@neighbour start", seconds: 60)
            let quiet = try Self.share(guest, reference) { machine.run(seconds: 4) }
            var asked = 0, answered = 0
            let flooded = try Self.share(guest, reference) {
                let flood = try LinkFlood(line, to: machine, seconds: 4)
                (asked, answered) = (flood.asked, flood.answered)
            }
            #expect(asked == answered && answered > 40, "\(answered) of \(asked) answered")
            #expect(flooded > min(quiet, 1) * 0.85, "a share of \(flooded), \(quiet) without")
            #expect(try client.hello().damagedFrames == 0)
        }
    }
}

extension Machine {
    /// A machine of the tests, its link left to whoever asks.
    fileprivate static func booted(_ name: String) throws -> Machine {
        let folder = URL(filePath: #filePath).deletingLastPathComponent()
        let workspace = Workspace(root: folder.deletingLastPathComponent().deletingLastPathComponent())
        try buildAdversaries(workspace)
        let (manifest, volume) = try BootVolumeImage.compile(
            folder.appending(path: "Manifests/\(name).yaml").path, workspace)
        let disk = workspace.cache.appending(path: "tests/\(name)-link.img")
        try volume.writeImage(to: disk)
        var emulator = Emulator()
        (emulator.cores, emulator.memory, emulator.com1Rate) = (manifest.machineCores, manifest.machineMemory, 11_520)
        emulator.iommu = .vtd
        emulator.extra = MachineTests.Storms.devices
        let machine = try Machine(emulator, volume: disk)
        try machine.waitForHypervisor()
        return machine
    }
}
