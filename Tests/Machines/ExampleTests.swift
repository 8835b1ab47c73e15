import ControlClient
import Foundation
import Machines
import Testing

extension MachineTests {
    /// A partition that owns the network card routes and filters for two others.
    @Suite(.serialized, .stopsMachines, .nightly) struct ExampleSharedNIC {
        @Test func othersReachTheOutsideAndAreReachedAsFarAsTheFilterSays() throws {
            let machine = try ExampleMachine(.sharedNIC)
            try machine.follow(seconds: 240)
            let booted = machine.booted
            #expect(
                booted.guest("client").lines.contains {
                    $0.hasPrefix("@bulkhead resolved name=download.example address=10.0.2.100")
                })
            // Both were the filter's doing: the router has counted them.
            let router = booted.guest("router"), deadline = booted.testbed.machine.deadline(seconds: 30)
            func refused() -> Int {
                router.lines.compactMap { line in
                    line.hasPrefix("@bulkhead refused ") ? line.split(separator: "=").last.flatMap { Int($0) } : nil
                }.max() ?? 0
            }
            while refused() < 2, !deadline.isOver { try router.exchange() }
            #expect(refused() >= 2)
            // What passed went over the wires.
            for partition in ["client", "listener"] {
                let end = try #require(try booted.client.statistics(partition).channels.first)
                #expect(end.link == 1 && end.frames > 5)
            }
            #expect(try booted.client.statistics("router").channels.count == 2)
            // Without the router nothing is reached: no other way leads outside.
            try booted.client.change(.stop, "router")
            try booted.wait("router") { $0.state == .stopped }
            #expect(throws: (any Error).self) { try machine.outside.fetch("/file", seconds: 5) }
        }
    }

    /// A Debian whose root file system another partition owns the disk of.
    @Suite(.serialized, .stopsMachines, .nightly) struct ExampleSharedDisk {
        @Test func theOwnerOfTheDiskNeverHasWhatIsOnIt() throws {
            let machine = try ExampleMachine(.sharedDisk)
            let booted = machine.booted, debian = booted.guest("debian")
            try debian.wait(for: "@bulkhead passphrase wanted", seconds: 240)
            debian.type(line: "another one")
            try debian.wait(for: "@bulkhead passphrase refused", seconds: 60)
            try machine.follow(seconds: 400)
            try debian.wait(for: "Debian GNU/Linux 12 debian hvc0", seconds: 60)
            debian.type(line: "root")
            // One text goes into the root file system, one past the encryption: what finds the second would find the first.
            let secret = "secret-\(UUID().uuidString)", clear = "clear-\(UUID().uuidString)"
            debian.type(
                line: "findmnt -no SOURCE / && echo \(secret) > /root/secret && sync && echo wr''itten")
            try debian.wait(for: "/dev/mapper/root", seconds: 90)
            try debian.wait(for: "written", seconds: 60)
            debian.type(line: "echo \(clear) | dd of=/dev/nbd1 conv=fsync status=none && echo past''it")
            try debian.wait(for: "pastit", seconds: 60)
            let holders = try machine.holders(of: [secret, clear])
            #expect(holders[0] == ["debian"])
            #expect(holders[1] == ["debian", "disk"])
            #expect(try !machine.file("disk", has: secret) && !machine.file("scratch", has: secret))
            #expect(try machine.file("scratch", has: clear))
            // It is there: read back through all of it, without the cache.
            debian.type(line: "echo 3 > /proc/sys/vm/drop_caches; sed s/^secret/found/ /root/secret")
            try debian.wait(for: "found" + secret.dropFirst(6), seconds: 60)
        }
    }

    /// Two partitions that talk through a third one.
    @Suite(.serialized, .stopsMachines, .nightly) struct ExampleWireGuard {
        @Test func theCarrierReadsNothingOfWhatPassesInTheTunnel() throws {
            let machine = try ExampleMachine(.wireGuard)
            try machine.follow(seconds: 300)
            let alice = machine.booted.guest("alice"), bob = machine.booted.guest("bob")
            let secret = "secret-\(UUID().uuidString)", clear = "clear-\(UUID().uuidString)"
            alice.type(line: "tunnel \(secret)")
            try alice.exchange()
            try bob.wait(for: "@bulkhead received by=tunnel text=\(secret)", seconds: 60)
            alice.type(line: "clear \(clear)")
            try alice.exchange()
            try bob.wait(for: "@bulkhead received by=clear text=\(clear)", seconds: 60)
            let holders = try machine.holders(of: [secret, clear])
            #expect(holders[0] == ["alice", "bob"])
            #expect(holders[1] == ["alice", "bob", "carrier"])
            try expectThatTheTunnelHolds(machine.booted)
        }

        /// The carrier loses, changes, doubles and reorders packets from here on: what the tunnel gives was sent, as it was sent, and what is
        /// said in clear is what the carrier makes of it.
        private func expectThatTheTunnelHolds(_ booted: BootedMachine) throws {
            let alice = booted.guest("alice"), bob = booted.guest("bob"), carrier = booted.guest("carrier")
            carrier.type(line: "hostile")
            try carrier.wait(for: "@bulkhead hostile", seconds: 60)
            let start = bob.lines.count
            let texts = (0..<8).map { _ in UUID().uuidString }
            for text in texts {
                alice.type(line: "tunnel \(text)")
                try alice.exchange()
                try bob.wait(for: "@bulkhead received by=tunnel text=\(text)", from: start, seconds: 90)
            }
            let clear = UUID().uuidString
            alice.type(line: "clear \(clear)")
            try alice.exchange()
            try bob.wait(for: "@bulkhead received by=clear text=altered", from: start, seconds: 90)
            let prefix = "@bulkhead received by=tunnel text="
            let received = bob.lines.dropFirst(start).filter { $0.hasPrefix(prefix) }.map { $0.dropFirst(prefix.count) }
            // A connection that brought nothing is no text.
            #expect(received.allSatisfy { $0.isEmpty || texts.contains(String($0)) }, "\(received)")
            #expect(!bob.lines.contains { $0.contains(clear) })
            carrier.type(line: "count")
            let count = try carrier.wait(for: "@bulkhead hostile lost=", seconds: 60)
            let numbers = count.split(separator: " ").compactMap { $0.split(separator: "=").last.flatMap { Int($0) } }
            #expect(numbers.count == 2 && numbers.allSatisfy { $0 > 5 }, "\(count)")
        }
    }
}
