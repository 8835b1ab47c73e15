import Control
import ControlClient
import Foundation
import Keys
import Machines
import Manifest
import ManifestFile
import Seal
import SignedImages
import TPM
import TestKit
import Testing
import Trust
import WireSeal

extension MachineTests {
    /// Two machines of one owner whose partitions `app` talk by wires with sealed ends, through a partition on each that owns the network card,
    /// and a network in which somebody sees, keeps and sends what he likes.
    @Suite(.serialized, .stopsMachines, .nightly) struct SealedTransit {
        @Test func theNetworkReadsNothingAndNothingOfItsIsTaken() throws {
            let path = try FramePath()
            defer { path.close() }
            let left = try TransitSide("left", own: "10.9.0.1", peer: "10.9.0.2", port: path.ports[0])
            defer { left.tpm.stop() }
            let right = try TransitSide("right", own: "10.9.0.2", peer: "10.9.0.1", port: path.ports[1], owner: left)
            defer { right.tpm.stop() }
            let files = try [left, right].map(withoutItsSecretTheLinkIsDown)
            let machines = try zip([left, right], files).map { try $0.boot(sealed: $1) }
            defer { for machine in machines { machine.machine.cutPower() } }
            let apps = machines.map { ScriptedGuest("app", $0.client, on: $0.machine) }
            try theGuestsTalk(apps)
            try nobodyBetweenThemReads(machines, apps, path, left.secret)
            try whatIsSentAgainIsDropped(machines, apps, path)
        }

        private func withoutItsSecretTheLinkIsDown(_ side: TransitSide) throws -> [UInt8] {
            let boot = try side.boot(sealed: nil)
            defer { boot.machine.cutPower() }
            let app = ScriptedGuest("app", boot.client, on: boot.machine)
            #expect(try app.wait(for: "@bulkhead link ", seconds: 240) == "@bulkhead link state=down")
            #expect(try counters(boot).link == 0)
            boot.machine.cutPower()
            return try side.seal()
        }

        /// As on any network: echoes of full size, a file, a message.
        private func theGuestsTalk(_ apps: [ScriptedGuest]) throws {
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
        private func nobodyBetweenThemReads(
            _ machines: [RefusalMachine], _ apps: [ScriptedGuest], _ path: FramePath, _ shared: [UInt8]
        ) throws {
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
            for (name, machine) in zip(["left", "right"], machines) {
                let service = ScriptedGuest("service", machine.client, on: machine.machine)
                service.type(line: "look")
                let line = try service.wait(for: "@bulkhead looked ", seconds: 60)
                #expect(line.hasPrefix("@bulkhead looked number=1 readable=no sealed="), "\(line)")
                let snapshot = try Snapshot(machine.machine, .current(), name: "sealed-transit-\(name)")
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

        private func counters(_ machine: RefusalMachine) throws -> ChannelCounters {
            try #require(try machine.client.statistics("app").channels.first)
        }

        /// Replayed, reflected and changed, all is refused, also to a guest that has started anew; and the ends go on, or find each other again.
        private func whatIsSentAgainIsDropped(
            _ machines: [RefusalMachine], _ apps: [ScriptedGuest], _ path: FramePath
        ) throws {
            let frames = path.frames.filter { isSealed($0.frame) && $0.frame[14] == 2 }
            let old = Array(frames.filter { $0.from == 0 }.suffix(100).map(\.frame))
            #expect(old.count == 100)
            try inject(old, to: 1, machines[1], path)
            // Back to whom they came from: those for everybody, since a bridge passes no others on to there.
            // Whichever side has asked for the other's address.
            let shouted = try #require(frames.first { $0.frame[..<6].allSatisfy { $0 == 0xFF } })
            for _ in 0..<10 { try inject([shouted.frame], to: shouted.from, machines[shouted.from], path) }
            let changed = old.map { frame in
                var frame = frame
                frame[frame.count - 20] ^= 1
                return frame
            }
            try inject(changed, to: 1, machines[1], path)
            // A frame of the peer's in clear: an echo request, as somebody else would send it.
            let clear = Array(old[0][..<12]) + [0x08, 0x00] + [UInt8](repeating: 0x45, count: 60)
            try inject([[UInt8]](repeating: clear, count: 10), to: 1, machines[1], path)
            try ping(apps[0])
            let lines = apps[1].lines.count
            try machines[1].client.change(.restart, "app")
            try apps[1].wait(for: "@bulkhead sealed ", from: lines, seconds: 300)
            try ping(apps[0])
            try inject(old, to: 1, machines[1], path)
            // Greetings of the sessions before, to both.
            let greetings = path.frames.filter { isSealed($0.frame) && $0.frame[14] == 1 }.prefix(20).map(\.frame)
            #expect(greetings.count >= 3)
            for greeting in greetings { for side in [0, 1] { path.inject(greeting, to: side) } }
            try ping(apps[0])
            try ping(apps[1])
        }

        /// Sends frames a few at a time, and waits until the app's end has dropped all of them.
        private func inject(_ frames: [[UInt8]], to side: Int, _ machine: RefusalMachine, _ path: FramePath) throws {
            let before = try counters(machine).dropped
            for frame in frames {
                path.inject(frame, to: side)
                Thread.sleep(forTimeInterval: 0.02)
            }
            let deadline = machine.machine.deadline(seconds: 60)
            while try counters(machine).dropped < before + UInt64(frames.count), !deadline.isOver {
                Thread.sleep(forTimeInterval: 0.1)
            }
            #expect(try counters(machine).dropped >= before + UInt64(frames.count))
        }
    }
}

/// One of the two machines, with a TPM of its own; both have one owner, and the same secret.
private final class TransitSide {
    let tpm: SoftwareTPM
    private let name: String
    private let port: Int
    private let folder: URL
    private let content: BootVolumeImage
    private let keys: KeyFolder
    let secret: [UInt8]

    /// - Parameters:
    ///   - own: its app's address, `peer` the other one's.
    ///   - port: where the network is.
    ///   - owner: whose keys and secret it has too.
    init(_ name: String, own: String, peer: String, port: Int, owner: TransitSide? = nil) throws {
        (self.name, self.port) = (name, port)
        secret = owner?.secret ?? (0..<32).map { _ in .random(in: 0...255) }
        tpm = try SoftwareTPM()
        let workspace = try Workspace.current()
        try Example.wireGuard.buildGuests(workspace)
        folder = workspace.cache.appending(path: "tests/sealed-transit-\(name)")
        try? FileManager.default.removeItem(at: folder)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let guests = [("vmlinux-device", "guests/vmlinux-device"), ("service.cpio", "guests/service.cpio")]
        for (file, source) in guests {
            try FileManager.default.copyItem(
                at: workspace.cache.appending(path: source), to: folder.appending(path: file))
        }
        var yaml = try String(
            contentsOf: workspace.root.appending(path: "Examples/sealed-wire.yaml"), encoding: .utf8)
        for (there, here) in [
            ("name: sealed-left", "name: sealed-\(name)"),
            ("bulkhead.own=10.9.0.1 bulkhead.peer=10.9.0.2", "bulkhead.own=\(own) bulkhead.peer=\(peer)"),
            (Digest384(of: Data(count: 32)).text, Digest384(of: Data(secret)).text),
        ] {
            #expect(yaml.contains(there))
            yaml = yaml.replacingOccurrences(of: there, with: here)
        }
        let file = folder.path + "/machine.yaml"
        try Data(yaml.utf8).write(to: URL(filePath: file))
        let encoded = try compileManifest(file, images: .folder(folder.path)).1
        let images = guests.map { [folder] in BootVolumeImage.Image(path: $0.0, source: folder.appending(path: $0.0)) }
        var content = BootVolumeImage(hypervisor: workspace.hypervisor, manifest: encoded, images: images)
        keys = owner?.keys ?? KeyFolder(folder.path + "/keys")
        let passphrase = Passphrase("correct horse")
        if owner == nil { try keys.create(height: 5, passphrase, Scrypt(cost: 2)) }
        try content.sign(with: keys, passphrase, in: folder)
        self.content = content
    }

    func boot(sealed: [UInt8]?) throws -> RefusalMachine {
        var images = content.images
        if let sealed {
            let file = folder.appending(path: "app.sealed")
            try Data(sealed).write(to: file)
            images.append(.init(path: "app.sealed", source: file))
        }
        var emulator = Emulator(.amd)
        (emulator.cores, emulator.memory, emulator.tpm, emulator.iommu) = (3, 1 << 30, tpm.control, .vtd)
        emulator.extra =
            ["-netdev", "socket,id=net,connect=127.0.0.1:\(port)"] + ports(["e1000e,netdev=net"])
        let volume = RefusedVolume(
            name: "volume", manifest: content.manifest, reason: "", hypervisor: content.hypervisor, images: images)
        return try RefusalMachine("sealed-transit-\(name)", [volume], emulator)
    }

    /// To PCR 7 as the machine had it at its last start; it has no power now.
    func seal() throws -> [UInt8] {
        let key = try #require(try OwnerSection.key(of: content.hypervisor))
        return try SealedSecret(secret, SealedSecret.Plan(ownerKey: key), TPMConnection("swtpm:" + tpm.control.path))
            .commands.bytes
    }
}
