import Control
import ControlClient
import Foundation
import Machines
import TestKit
import Testing

extension MachineTests {
    /// A partition from which the machine is managed. Its guest passes the link's bytes on to a network, where this test is.
    @Suite(.serialized, .stopsMachines) struct ControlPartition {
        static let socket = FileManager.default.temporaryDirectory.appending(
            path: "bulkhead-control-\(UUID().uuidString)")
        nonisolated(unsafe) static let shared = Result {
            try buildDeviceGuests()
            return try BootedMachine(
                manifest: "control", iommu: .vtd,
                extra: [
                    "-chardev", "socket,id=control,path=\(socket.path),server=on,wait=off", "-netdev",
                    "user,id=net,restrict=on,guestfwd=tcp:10.0.2.100:90-chardev:control",
                    // Behind a port, which resets it: what a guest has left in it ends QEMU by an assertion when the next one has MSI-X
                    // on (hw/net/e1000e_core.c, delayed_causes).
                ] + ports(["e1000e,netdev=net"]))
        }
        let machine: BootedMachine
        init() throws { machine = try unsafe Self.shared.get() }

        /// A client whose requests come by the partition.
        private func client() throws -> ControlClient {
            try machine.guest("controller").wait(for: "@bulkhead control", seconds: 180)
            return try ControlClient(machine.testbed.machine, path: Self.socket.path)
        }

        @Test func itAsksWhatManagersMay() throws {
            let inside = try client()
            #expect(try inside.hello().name.string == "control")
            let names = try inside.list().map { $0.name.string }
            #expect(names == ["controller", "worker", "sealed"])
            #expect(try inside.statistics("worker").vcpus.count == 1)
            try inside.subscribe()
            let before = try machine.info("worker").starts
            try inside.change(.restart, "worker")
            try machine.wait("worker", seconds: 60) { $0.state == .running && $0.starts > before }
            // Both links are told, each of all.
            var told: [PartitionState] = []
            while told.last != .running, let next = try inside.nextEvent(timeout: .seconds(20)) {
                if next.event.kind == .state, next.event.partition.string == "worker" { told.append(next.event.state) }
            }
            #expect(told.contains(.starting) && told.last == .running, "\(told)")
            #expect(try machine.events(of: "worker", from: 0).contains { $0.state == .starting })
        }

        /// From the first line on, those of partitions too; and by the serial link alone.
        @Test func theHypervisorsLinesAreReadByTheSerialLink() throws {
            let inside = try client(), lines = try machine.client.log()
            #expect(lines.first?.hasPrefix("bulkhead: version ") == true, "\(lines.prefix(2))")
            for partition in ["controller", "worker", "sealed"] {
                let words = "bulkhead: partition \(partition): images verified"
                #expect(lines.count { $0.hasPrefix(words) } == 1, "\(lines)")
            }
            #expect(machine.testbed.machine.console.lines.suffix(from: 0).contains(lines[lines.count - 1]))
            #expect {
                try inside.log()
            } throws: { error in
                if case .refused(.notPermitted, .log, _) = error as? LinkError { return true }
                return false
            }
        }

        /// What the manifest does not permit nobody may, from wherever he asks.
        @Test func itMayNotWhatTheManifestRefuses() throws {
            let inside = try client()
            #expect(try inside.statistics("sealed").vcpus.count == 1)
            for operation in [ControlOperation.stop, .pause, .restart] {
                #expect {
                    try inside.change(operation, "sealed")
                } throws: { error in
                    if case .refused(.notPermitted, operation, "sealed") = error as? LinkError { return true }
                    return false
                }
            }
            #expect(try machine.info("sealed").state == .running && machine.info("sealed").starts == 1)
        }

        /// 64 KiB of anything: the machine answers on the serial link, a neighbour is not exited, and the next request is heard.
        @Test func whatIsNoRequestDisturbsNobody() throws {
            let before = try machine.exits("sealed")
            do {
                let stream = try ByteStream.open(Self.socket.path)
                var sent = 0
                while sent < 64 << 10 {
                    let bytes = (0..<4096).map { _ in UInt8.random(in: 0...255) }
                    try stream.send(bytes)
                    sent += bytes.count
                    if sent % (16 << 10) == 0 { #expect(try machine.info("controller").state == .running) }
                }
            }
            // What is answered now is behind all of it.
            let inside = try client()
            #expect(try inside.hello().damagedFrames > 0 && machine.client.hello().damagedFrames == 0)
            #expect(try machine.exits("sealed") == before)
        }

        /// It is a partition like another: it can end, also at its own request, and its next guest finds a link that answers.
        @Test func itMayEndItself() throws {
            let guest = machine.guest("controller"), starts = try machine.info("controller").starts
            let lines = guest.lines.count
            do { try client().change(.restart, "controller") } catch LinkError.noAnswer {}
            try machine.wait("controller", seconds: 120) { $0.state == .running && $0.starts > starts }
            try guest.wait(for: "@bulkhead control", from: lines, seconds: 180)
            #expect(try client().list().count == 3)
        }

        /// Requests that wait when it is stopped are carried out for nobody.
        @Test func whatItHasAskedEndsWithIt() throws {
            _ = try client().hello()
            let starts = try machine.info("worker").starts, stream = try ByteStream.open(Self.socket.path)
            for number in 0..<2000 as Range<UInt32> {
                try stream.send(
                    LinkFrame(number, ControlOperation.restart.rawValue, partition: "worker").bytes)
            }
            try machine.wait("worker", seconds: 60) { $0.starts > starts }
            try machine.client.change(.stop, "controller")
            try machine.wait("controller", seconds: 60) { $0.state == .stopped }
            // The one that was begun may end.
            let settled = try machine.wait("worker", seconds: 60) { $0.state == .running }.starts
            Thread.sleep(forTimeInterval: 3)
            #expect(try machine.info("worker").starts == settled)
            let lines = machine.guest("controller").lines.count
            try machine.client.change(.start, "controller")
            try machine.guest("controller").wait(for: "@bulkhead control", from: lines, seconds: 180)
        }
    }

    /// A control partition on the core that serves it, whose guest has asked for events and takes none: what it does not take waits, and
    /// its vCPUs go on.
    @Suite(.serialized, .stopsMachines, .nightly) struct SilentControlPartition {
        @Test func whoTakesNothingIsNotAskedAgain() throws {
            try buildDeviceGuests()
            let machine = try BootedMachine(manifest: "control-shared")
            let controller = machine.guest("controller")
            try controller.wait(for: "@bulkhead unread", seconds: 180)
            // 2 KiB are some thirty events.
            for _ in 0..<25 {
                let starts = try machine.info("worker").starts
                try machine.client.change(.restart, "worker")
                try machine.wait("worker", seconds: 60) { $0.state == .running && $0.starts > starts }
            }
            try controller.exchange()
            try controller.wait(for: "@bulkhead alive ", from: controller.lines.count, seconds: 60)
            // Each look of this test's is an exit or some of the housekeeping core; a vCPU that is kicked for ever has thousands.
            let before = try machine.client.statistics("controller")
            Thread.sleep(forTimeInterval: 4)
            let after = try machine.client.statistics("controller")
            let seconds = Double(after.clockMicroseconds - before.clockMicroseconds) / 1e6
            let kicks = after.exits(.nmi) - before.exits(.nmi)
            #expect(Double(kicks) < seconds * 50, "\(kicks) in \(seconds) s")
            try controller.wait(for: "@bulkhead alive ", from: controller.lines.count, seconds: 60)
        }
    }
}
