import ControlClient
import Foundation
import Machines
import ManifestFile
import TestKit
import Testing
import UnitSupport

extension MachineTests {
    /// What the pages under Documentation/tutorials make runs as they say.
    @Suite(.serialized, .stopsMachines) struct Tutorials {
        private let workspace = Workspace(
            root: URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../..").standardized)

        /// Makes what a page says and starts a machine from its manifest.
        private func boot(_ page: String, _ manifest: String, guests: Bool = false) throws -> Testbed {
            let tutorial = try Tutorial(page, root: workspace.root)
            _ = try tutorial.run()
            return try boot(tutorial, manifest, guests: guests)
        }
        private func boot(
            _ tutorial: Tutorial, _ manifest: String, guests: Bool = false, disk: String? = nil
        ) throws -> Testbed {
            let folders = [tutorial.folder.path] + (guests ? [workspace.cache.appending(path: "guests").path] : [])
            let disks = try EmulatedDisks(disk.map { [tutorial.folder.appending(path: $0).path] } ?? [])
            return try Testbed(
                manifest: tutorial.folder.appending(path: manifest).path, workspace, name: "test-tutorial",
                iommu: disks.iommu, extra: disks.arguments,
                images: .search(folders, thenCheckout: false))
        }

        @Test func aSmallKernelSaysHello() throws {
            let testbed = try boot("small-kernel", "hello.yaml")
            defer { testbed.stop() }
            let client = try ControlClient(testbed.machine, path: testbed.socket.path)
            let guest = ScriptedGuest("small", client, on: testbed.machine)
            try guest.wait(for: "a small kernel says hello", seconds: 60)
        }

        @Test func aSmallRealTimeKernelRunsWithoutExits() throws {
            let testbed = try boot("small-rtos", "rtos.yaml")
            defer { testbed.stop() }
            let client = try ControlClient(testbed.machine, path: testbed.socket.path)
            let guest = ScriptedGuest("loop", client, on: testbed.machine)
            try guest.wait(for: "3000 steps, one each millisecond; the longest took ", seconds: 60)
            // The line's end, which nothing that can be seen follows.
            Thread.sleep(forTimeInterval: 1)
            let before = try client.statistics("loop")
            Thread.sleep(forTimeInterval: 3)
            let after = try client.statistics("loop")
            #expect(after.total == before.total && after.clockMicroseconds > before.clockMicroseconds)
        }

        @Test(.nightly) func aRAMDiskByHand() throws {
            let testbed = try boot("initial-ram-disk", "hand.yaml")
            defer { testbed.stop() }
            let client = try ControlClient(testbed.machine, path: testbed.socket.path)
            let guest = ScriptedGuest("linux", client, on: testbed.machine)
            try guest.wait(for: "process 1 of Linux ", seconds: 120)
            guest.type(line: "off")
            // The driver sends by a timer: of what is not waited for, as the echo, a power-off can leave nothing.
            try guest.wait(for: "good night", seconds: 60)
            let linux = try #require(testbed.watch.partitions.first)
            #expect(try testbed.refresh(seconds: 60) { _ in linux.info.state == .stopped })
            #expect(linux.info.cause == .poweroff)
        }

        /// Both boot, and the one has ten times the exits of the other.
        @Test(.nightly) func quietCommandLines() throws {
            let testbed = try boot("quiet-command-lines", "quiet.yaml", guests: true)
            defer { testbed.stop() }
            let client = try ControlClient(testbed.machine, path: testbed.socket.path)
            // What they say of themselves may have a line of the kernel's in its middle, so each is asked until it answers.
            let exits = try ["quiet", "talkative"].map { name in
                let guest = ScriptedGuest(name, client, on: testbed.machine)
                let deadline = testbed.machine.deadline(seconds: 180)
                while !guest.lines.contains(where: { $0.contains("@bulkhead clock ") }) {
                    try #require(!deadline.isOver, "\(name): \(guest.lines.suffix(5))")
                    guest.type(line: "clock")
                    try guest.exchange()
                    Thread.sleep(forTimeInterval: 0.5)
                }
                return try client.statistics(name).total
            }
            #expect(exits[0] > 100 && exits[1] > exits[0] * 10, "\(exits)")
        }

        /// The installation comes up from its own disk, and what it has written is there after a reboot. With the login prompt and
        /// then a shell on the virtio console, both waiting, it does not exit for a minute.
        @Test(.nightly) func debianOnADiskOfItsOwn() throws {
            let tutorial = try Tutorial("debian-on-a-disk", root: workspace.root)
            _ = try tutorial.run()
            let testbed = try boot(tutorial, "debian.yaml", disk: "disk.img")
            defer { testbed.stop() }
            let client = try ControlClient(testbed.machine, path: testbed.socket.path)
            let guest = ScriptedGuest("debian", client, on: testbed.machine)
            func logIn(from first: Int) throws {
                try guest.wait(for: "Debian GNU/Linux 12 debian hvc0", from: first, seconds: 300)
                guest.type(line: "root")
                try guest.wait(for: "permitted by applicable law", from: first, seconds: 120)
            }
            try logIn(from: 0)
            let first = guest.lines.count
            guest.type(line: "findmnt -no SOURCE / && echo kept >/root/here && reboot")
            try guest.wait(for: "/dev/nvme0n1", from: first, seconds: 60)
            try logIn(from: first)
            // Nothing of the start goes on.
            guest.type(line: "systemctl is-system-running --wait; echo set''tled")
            try guest.wait(for: "settled", from: first, seconds: 300)
            let others = try testbed.silentMinute(of: "debian")
            print("a minute of Debian without an exit; minutes with some before:", others)
            let second = guest.lines.count
            guest.type(line: "cat /root/here; poweroff")
            try guest.wait(for: "kept", from: second, seconds: 60)
            let debian = try #require(testbed.watch.partitions.first)
            #expect(try testbed.refresh(seconds: 120) { _ in debian.info.state == .stopped })
            #expect(debian.info.cause == .poweroff)
            #expect(try client.list().first?.starts == 2)
        }

        @Test(.nightly) func theChecklistsLoopHasNoExits() throws {
            let testbed = try boot("real-time-checklist", "loop.yaml", guests: true)
            defer { testbed.stop() }
            let loop = try #require(testbed.watch.partitions.first)
            #expect(try testbed.refresh(seconds: 120) { _ in loop.kernel != nil })
            Thread.sleep(forTimeInterval: 3)
            let before = try testbed.watch.client.statistics("loop")
            Thread.sleep(forTimeInterval: 5)
            #expect(try testbed.watch.client.statistics("loop").total == before.total)
        }
    }
}
