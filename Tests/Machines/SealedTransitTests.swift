import Control
import ControlClient
import Foundation
import Machines
import SealedPair
import TestKit
import Testing
import WireSeal

extension MachineTests {
    /// Two machines of one owner whose partitions `app` talk by wires with sealed ends, through a partition on each that owns the network card,
    /// and a network in which somebody sees, keeps and sends what he likes.
    @Suite(.serialized, .stopsMachines, .nightly) struct SealedTransit {
        @Test func theNetworkReadsNothingAndNothingOfItsIsTaken() throws {
            let path = try FramePath()
            defer { path.close() }
            let workspace = try Workspace.current()
            try Example.sealedWire.buildGuests(workspace)
            try PrivateFolder.with { folder in
                let pair = try SealedPair(in: folder, workspace)
                defer { pair.stop() }
                let machines = Array(zip([pair.left, pair.right], path.ports))
                for (machine, port) in machines { try withoutItsSecretTheLinkIsDown(machine, port) }
                let sides = try machines.map { try TransitSide($0, port: $1) }
                defer { for side in sides { side.cutPower() } }
                try theGuestsTalk(sides)
                try nobodyBetweenThemReads(sides, path, pair.owner.secret)
                try whatIsInClearIsFoundAndDropped(sides[0])
                try whatIsSentAgainIsDropped(sides, path)
            }
        }

        private func withoutItsSecretTheLinkIsDown(_ machine: SealedMachine, _ port: Int) throws {
            let side = try TransitSide(machine, port: port)
            defer { side.cutPower() }
            #expect(try side.app.wait(for: "@bulkhead link ", seconds: 240) == "@bulkhead link state=down")
            #expect(try side.counters().link == 0)
            side.cutPower()
            try machine.seal()
        }

        /// As on any network: echoes of full size, a file, a message.
        private func theGuestsTalk(_ sides: [TransitSide]) throws {
            let apps = sides.map(\.app)
            var sums: [String] = []
            for app in apps {
                #expect(try app.wait(for: "@bulkhead link ", seconds: 240) == "@bulkhead link state=up mtu=1466")
                let line = try app.wait(for: "@bulkhead sealed ", seconds: 300)
                sums.append(String(line.split(separator: "=").last ?? ""))
            }
            try ping(apps[0])
            apps[0].type(line: "register")
            let register = try apps[0].wait(for: "@bulkhead register ", seconds: 60)
            #expect(register == "@bulkhead register " + String(repeating: "0", count: 72), "nobody reads or writes it")
            apps[0].type(line: "fetch")
            let fetched = try apps[0].wait(for: "@bulkhead fetched ", seconds: 120)
            #expect(fetched == "@bulkhead fetched bytes=1000000 sha256=\(sums[1])")
        }

        private func ping(_ app: ScriptedGuest) throws {
            let lines = app.lines.count
            app.type(line: "ping 20")
            let line = try app.wait(for: "@bulkhead pinged ", from: lines, seconds: 120)
            #expect(Int(line.split(separator: "=").last ?? "") ?? 0 >= 18, "\(line)")
        }

        /// Not the network, and not the partitions that own its cards; who would find what is in clear.
        private func nobodyBetweenThemReads(_ sides: [TransitSide], _ path: FramePath, _ shared: [UInt8]) throws {
            let apps = sides.map(\.app)
            let handed = unsafe shared.withUnsafeBytes { unsafe SealKey(secret: $0) },
                derived = WireKeys(handed, "lan").session
            let secret = "secret-\(UUID().uuidString)"
            apps[0].type(line: "send \(secret)")
            try apps[0].wait(for: "@bulkhead sent", seconds: 60)
            try apps[1].wait(for: "@bulkhead received text=\(secret)", seconds: 60)
            let text = Data("bulkhead-message".utf8)
            let frames = path.frames, sealed = frames.filter { isSealed($0.frame) }
            #expect(sealed.count > 700 && frames.allSatisfy { Data($0.frame).range(of: text) == nil })
            // What the bridges say themselves is theirs; of the ends' addresses nothing is in clear.
            let addresses = Set(sealed.map { Array($0.frame[6..<12]) })
            #expect(addresses.count == 2)
            #expect(frames.allSatisfy { isSealed($0.frame) || !addresses.contains(Array($0.frame[6..<12])) })
            for side in sides {
                side.service.type(line: "look")
                let line = try side.service.wait(for: "@bulkhead looked ", seconds: 60)
                #expect(line.hasPrefix("@bulkhead looked number=1 readable=no "), "\(line)")
                let counted = try #require(line.split(separator: " ").first { $0.hasPrefix("sealed=") })
                #expect((700..<2 * sealed.count).contains(Int(counted.dropFirst(7)) ?? 0), "\(line)")
                let snapshot = try Snapshot(side.machine, .current(), name: "sealed-transit")
                let ownership = try OwnershipReader(snapshot.memory, partitions: ["app", "service"])
                func holds(_ entries: [OwnershipReader.Entry], _ bytes: [UInt8]) -> Bool {
                    let places = snapshot.memory.find(bytes, limit: .max)
                    return places.contains { place in entries.contains { $0.range.contains(place) } }
                }
                let guests = [0, 1].map { ownership.of(.memory, owner: $0) }, text = Array(secret.utf8)
                #expect(holds(guests[0], text) && !holds(guests[1], text))
                // The keys are its device model's, and not the guest's, in whose memory the loader had one.
                let keys = [handed, derived].map { key in (0..<SealKey.size).map { key.bytes[$0] } }
                #expect(holds(ownership.of(.model, owner: 0), keys[1]))
                #expect(!keys.contains { holds(guests[0], $0) || holds(guests[1], $0) })
            }
        }

        private func isSealed(_ frame: [UInt8]) -> Bool { frame.count > 14 && frame[12] == 0x88 && frame[13] == 0xB5 }

        /// What has found nothing finds what is in clear, of which nothing reaches the app: all that the bridge has seen, its own and others',
        /// the app's end has dropped.
        private func whatIsInClearIsFoundAndDropped(_ side: TransitSide) throws {
            func look(_ words: String) throws -> Int {
                side.service.type(line: "look")
                let line = try side.service.wait(for: "@bulkhead looked \(words) ", seconds: 60)
                return try #require(line.split(separator: "=").last.flatMap { Int($0) }, "\(line)")
            }
            let dropped = try side.counters().dropped, before = try look("number=2 readable=no")
            side.service.type(line: "clear 5")
            try side.service.wait(for: "@bulkhead cleared frames=5", seconds: 60)
            let seen = try look("number=3 readable=yes") - before
            #expect(seen >= 5)
            try side.waitForDropped(seen, since: dropped)
        }

        /// Replayed, reflected and changed, all is refused, also to a guest that has started anew; and the ends go on, or find each other again.
        private func whatIsSentAgainIsDropped(_ sides: [TransitSide], _ path: FramePath) throws {
            let apps = sides.map(\.app)
            let frames = path.frames.filter { isSealed($0.frame) && $0.frame[14] == 2 }
            let old = Array(frames.filter { $0.from == 0 }.suffix(100).map(\.frame))
            #expect(old.count == 100)
            try inject(old, to: 1, sides[1], path)
            // Back to whom they came from: those for everybody, since a bridge passes no others on to there.
            // Whichever side has asked for the other's address.
            let shouted = try #require(frames.first { $0.frame[..<6].allSatisfy { $0 == 0xFF } })
            for _ in 0..<10 { try inject([shouted.frame], to: shouted.from, sides[shouted.from], path) }
            let changed = old.map { frame in
                var frame = frame
                frame[frame.count - 20] ^= 1
                return frame
            }
            try inject(changed, to: 1, sides[1], path)
            // A frame of the peer's in clear: an echo request, as somebody else would send it.
            let clear = Array(old[0][..<12]) + [0x08, 0x00] + [UInt8](repeating: 0x45, count: 60)
            try inject([[UInt8]](repeating: clear, count: 10), to: 1, sides[1], path)
            try ping(apps[0])
            let lines = apps[1].lines.count
            try sides[1].client.change(.restart, "app")
            try apps[1].wait(for: "@bulkhead sealed ", from: lines, seconds: 300)
            try ping(apps[0])
            try inject(old, to: 1, sides[1], path)
            // Greetings of the sessions before, to both.
            let greetings = path.frames.filter { isSealed($0.frame) && $0.frame[14] == 1 }.prefix(20).map(\.frame)
            #expect(greetings.count >= 3)
            for greeting in greetings { for side in [0, 1] { path.inject(greeting, to: side) } }
            try ping(apps[0])
            try ping(apps[1])
        }

        /// Sends frames a few at a time, and waits until the app's end has dropped all of them.
        private func inject(_ frames: [[UInt8]], to number: Int, _ side: TransitSide, _ path: FramePath) throws {
            let before = try side.counters().dropped
            for frame in frames {
                path.inject(frame, to: number)
                Thread.sleep(forTimeInterval: 0.02)
            }
            try side.waitForDropped(frames.count, since: before)
        }
    }
}

/// One of the two machines while it is on.
private struct TransitSide {
    let testbed: Testbed
    let client: ControlClient
    let app: ScriptedGuest
    let service: ScriptedGuest
    var machine: Machine { testbed.machine }

    /// - Parameter port: where the network is.
    init(_ machine: SealedMachine, port: Int) throws {
        testbed = try machine.start(
            "test-\(machine.name)",
            extra: Emulator.networkCard("socket,id=outside,connect=127.0.0.1:\(port)"))
        client = try ControlClient(testbed.machine, path: testbed.socket.path)
        app = ScriptedGuest("app", client, on: testbed.machine)
        service = ScriptedGuest("service", client, on: testbed.machine)
    }

    /// The TPM goes on.
    func cutPower() {
        machine.cutPower()
        testbed.stop()
    }

    /// Of the app's end.
    func counters() throws -> ChannelCounters { try #require(try client.statistics("app").channels.first) }

    /// Waits until the app's end has dropped so many more.
    func waitForDropped(_ count: Int, since before: UInt64) throws {
        let deadline = machine.deadline(seconds: 60)
        while try counters().dropped < before + UInt64(count), !deadline.isOver {
            Thread.sleep(forTimeInterval: 0.1)
        }
        #expect(try counters().dropped >= before + UInt64(count))
    }
}
