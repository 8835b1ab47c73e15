import Control
import ControlClient
import Foundation
import Machines
import TestKit
import Testing

extension MachineTests {
    /// What a manifest may say of a wire's end, beside a partition that sends as fast as it can: `kick: never`, and `rate`.
    @Suite(.serialized, .stopsMachines) struct WireLimits {
        nonisolated(unsafe) static let shared = Result {
            let root = try Workspace.current().root
            try output(of: root.appending(path: "Guests/build-card").path, [])
            return try BootedMachine(manifest: "wire-limits")
        }
        let machine: BootedMachine
        init() throws { machine = try unsafe Self.shared.get() }

        /// One end's counters.
        private func end(_ partition: String) throws -> ChannelCounters {
            try #require(try machine.client.statistics(partition).channels.first)
        }

        /// Waits until an end's counters are so.
        private func wait(_ partition: String, until isSo: (ChannelCounters) -> Bool) throws {
            let deadline = machine.testbed.machine.deadline(seconds: 60)
            while true {
                let now = try end(partition)
                if isSo(now) { return }
                guard !deadline.isOver else { throw AdversaryError("\(partition): \(now)") }
                Thread.sleep(forTimeInterval: 0.05)
            }
        }

        /// The real-time guest's exits, by reason.
        private func exits() throws -> [UInt64] {
            let counted = try machine.client.statistics("loop")
            return (0..<UInt8(ExitReason.count)).map { ExitReason(rawValue: $0).map(counted.exits) ?? 0 }
        }

        /// Has the real-time guest's shell do something; the number behind it.
        private func number(_ commands: String, of file: String) throws -> Int {
            let loop = machine.guest("loop")
            try loop.exchange()
            let start = loop.lines.count
            loop.type(line: "sh")
            // What is typed before the shell has the terminal is lost.
            try loop.wait(for: "Enter 'help'", from: start, seconds: 60)
            loop.type(line: "\(commands) echo \"@\"number $(cat /sys/class/net/eth0/\(file))")
            let line = try loop.wait(for: "@number ", from: start, seconds: 60)
            loop.type(line: "exit")
            try loop.wait(for: "@bulkhead shell-end", from: start, seconds: 60)
            return try #require(Int(line.dropFirst("@number ".count)), "\(line)")
        }

        /// Ticks of 1 ms beside the stream, in a window in which the guest says nothing: it has no exit, the wire stays full, and all else
        /// that is sent is dropped.
        private func expectAQuietWindow() throws {
            let loop = machine.guest("loop"), start = loop.lines.count
            loop.type(line: "cyclictest 6")
            try loop.wait(for: "@bulkhead phase name=cyclictest", from: start, seconds: 60)
            let before = try exits(), sent = try end("flood")
            try wait("flood") { $0.dropped > sent.dropped + 1000 }
            machine.testbed.machine.run(seconds: 2)
            let now = try end("flood"), after = try exits()
            try loop.exchange()
            #expect(!loop.lines.dropFirst(start).contains { $0.hasPrefix("@bulkhead latency") }, "it ended before")
            #expect(after == before)
            #expect(now.frames == sent.frames && now.kicks == 0 && now.link == 1)
            // A timer that brings no interrupt would end them. How many come in time is the host's matter.
            let line = try loop.wait(for: "@bulkhead latency ", from: start, seconds: 60)
            try loop.wait(for: "@bulkhead phase-end name=cyclictest", from: start, seconds: 60)
            let samples = line.split(separator: "=").last.flatMap { Int($0) } ?? 0
            #expect(samples > 1000, "\(line)")
        }

        @Test func aRealTimeGuestThatIsNeverKickedHasNoExitsBesideAStream() throws {
            let loop = machine.guest("loop")
            try loop.wait(for: "@bulkhead ready ", seconds: 180)
            let modules = "virtio_ring virtio virtio_pci_modern_dev virtio_pci_legacy_dev virtio_pci failover"
            let load = "for m in \(modules) net_failover virtio_net; do busybox insmod /lib/modules/*-rt-*/$m.ko; done;"
            // Without ARP it sends what it is told to, and no more. The link is up: it would not hear of it when the other end comes.
            let up = " busybox ip link set eth0 up arp off; busybox ip address add 10.9.0.3/24 dev eth0; sleep 1;"
            #expect(try number(load + up, of: "carrier") == 1)
            #expect(try end("loop").link == 0)
            try machine.client.change(.start, "flood")
            defer { try? machine.client.change(.stop, "flood") }
            try wait("flood") { $0.dropped > 1000 }
            try expectAQuietWindow()
            // What waits reaches it when it sends, and then there is quiet again.
            let got = try number("busybox ping -c 1 -W 1 10.9.0.2;", of: "statistics/rx_packets")
            try expectAQuietWindow()
            // What the wire holds for each frame that it has sent, and no more by what it does with these.
            let own = try end("loop")
            #expect(got > 0 && UInt64(got) <= 128 * own.frames, "\(got) for \(own)")
            #expect(try end("flood").frames == UInt64(got) + 128 && own.dropped == 0)
        }

        @Test func anEndCarriesNoMoreThanItsRate() throws {
            for partition in ["taker", "limited"] { try machine.client.change(.start, partition) }
            defer { for partition in ["taker", "limited"] { try? machine.client.change(.stop, partition) } }
            try wait("limited") { $0.dropped > 1000 && $0.bytes > 1 << 20 }
            // The clock is read before what is counted, and behind it.
            func clock() throws -> UInt64 { try machine.client.statistics("limited").clockMicroseconds }
            let start = try clock(), before = try end("limited")
            try wait("limited") { $0.dropped > before.dropped + 1000 && $0.bytes > before.bytes + 3 << 20 }
            let now = try end("limited"), seconds = Double(try clock() - start) / 1e6
            // A tenth of a second's at once, a frame that is half within it, and a clock of whole ticks.
            let bound = (seconds + 0.1) * Double(1 << 20) * 1.001 + 1518
            #expect(Double(now.bytes - before.bytes) <= bound, "\(now.bytes - before.bytes) bytes in \(seconds) s")
        }
    }
}
