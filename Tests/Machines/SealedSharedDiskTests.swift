import ControlClient
import Foundation
import Machines
import SealedPair
import TestKit
import Testing
import Trust

extension MachineTests {
    /// A Debian whose root file system another partition owns the disk of, opened by what the machine's TPM opens, and by nobody's hand.
    @Suite(.serialized, .stopsMachines, .nightly) struct SealedSharedDisk {
        private let workspace: Workspace
        private let key: String

        init() throws {
            workspace = try Workspace.current()
            key = try Example.passphrase(workspace)
        }

        @Test func nobodyIsAskedAndTheOwnerOfTheDiskNeverHasTheKey() throws {
            try Example.sharedDisk.buildGuests(workspace)
            try PrivateFolder.with { folder in
                let machine = try SealedMachine(
                    yaml: manifest(), MachineOwner(secret: Array(key.utf8), in: folder),
                    in: folder.appending(path: "machine"), workspace)
                defer { machine.stop() }
                let outside = try ExampleOutside(folder: folder)
                let disk = try Example.sharedDisk.extra(outside, workspace)
                try withoutItsSecretAPersonIsAsked(machine, disk)
                try machine.seal()
                let testbed = try machine.start("test-sealed-disk", extra: disk)
                defer { testbed.stop() }
                let client = try ControlClient(testbed.machine, path: testbed.socket.path)
                let debian = ScriptedGuest("debian", client, on: testbed.machine)
                let root = try debian.wait(for: "@bulkhead root ", seconds: 240)
                #expect(root.hasSuffix("cipher=aes-xts-plain64"), "\(root)")
                try debian.wait(for: "Debian GNU/Linux 12 debian hvc0", seconds: 400)
                #expect(!debian.lines.contains { $0.hasPrefix("@bulkhead passphrase ") })
                try theOwnerOfTheDiskHasNeither(testbed, debian, folder)
            }
        }

        /// The example's, with a secret of its Debian's.
        private func manifest() throws -> String {
            let example = try String(contentsOfFile: Example.sharedDisk.manifest(workspace), encoding: .utf8)
            let place = "  - name: debian\n", parts = example.components(separatedBy: place)
            try #require(parts.count == 2)
            return parts[0] + place + "    secret: \(Digest384(of: Data(key.utf8)).text)\n" + parts[1]
        }

        private func withoutItsSecretAPersonIsAsked(_ machine: SealedMachine, _ disk: [String]) throws {
            let testbed = try machine.start("test-sealed-disk", extra: disk)
            // The TPM goes on.
            defer {
                testbed.machine.cutPower()
                testbed.stop()
            }
            let client = try ControlClient(testbed.machine, path: testbed.socket.path)
            try ScriptedGuest("debian", client, on: testbed.machine).wait(
                for: "@bulkhead passphrase wanted", seconds: 240)
        }

        /// Neither the key nor what is in the root file system; what is written past the encryption it has.
        private func theOwnerOfTheDiskHasNeither(_ testbed: Testbed, _ debian: ScriptedGuest, _ folder: URL) throws {
            let secret = "secret-\(UUID().uuidString)", clear = "clear-\(UUID().uuidString)"
            debian.type(line: "root")
            try debian.wait(for: "debian login: root", seconds: 60)
            debian.type(line: "ls /bulkhead; echo \(secret) > /root/secret && sync && echo wr''itten")
            try debian.wait(for: "written", seconds: 120)
            debian.type(line: "echo \(clear) | dd of=/dev/nbd1 conv=fsync status=none && echo past''it")
            try debian.wait(for: "pastit", seconds: 60)
            let holders = try testbed.holders(of: [key, secret, clear], workspace, name: "sealed-disk")
            #expect(!holders[0].contains("disk"))
            #expect(holders[1] == ["debian"])
            #expect(holders[2] == ["debian", "disk"])
            func has(_ name: String, _ text: String) throws -> Bool {
                let file = folder.appending(path: name)
                return try Data(contentsOf: file, options: .alwaysMapped).range(of: Data(text.utf8)) != nil
            }
            for name in ["disk", "scratch"] { #expect(try !has(name, key) && !has(name, secret)) }
            #expect(try has("scratch", clear))
        }
    }
}
