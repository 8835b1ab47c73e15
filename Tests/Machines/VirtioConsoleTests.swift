import Foundation
import Machines
import Testing

extension MachineTests {
    /// The virtio console under Debian's own driver.
    @Suite(.serialized, .stopsMachines) struct VirtioConsole {
        /// Seconds in which nothing may exit; a minute where time is no matter.
        private static let idle = Nightly.isOn ? 60.0 : 10

        @Test func aReaderThatWaitsCausesNoExitAndNothingIsLost() throws {
            try buildDeviceGuests()
            let machine = try BootedMachine(manifest: "virtio-console")
            defer { machine.testbed.stop() }
            let guest = machine.guest("console")
            try guest.wait(for: "@bulkhead phase name=console", seconds: 180)
            // What was said has gone out by now.
            Thread.sleep(forTimeInterval: 1)
            let before = try machine.client.statistics("console").vcpus.map(\.total)
            Thread.sleep(forTimeInterval: Self.idle)
            #expect(try machine.client.statistics("console").vcpus.map(\.total) == before)
            guest.type("go\n")
            try guest.wait(for: "@bulkhead phase-end name=console line=go", seconds: 60)

            let pasted = try DeviceFile(bytes: 1 << 20)
            guest.paste(pasted.content)
            let digest = try pasted.digest(first: 1 << 20)
            #expect(
                try guest.wait(for: "@bulkhead pasted ", seconds: 600)
                    == "@bulkhead pasted bytes=\(1 << 20) sha256=\(digest)")

            let sending = try guest.wait(for: "@bulkhead sending ", seconds: 60), first = guest.lines.count
            try guest.wait(for: "@bulkhead sent", from: first, seconds: 600)
            let sent = try #require(guest.lines.firstIndex(of: sending)),
                last = guest.lines.firstIndex { $0 == "@bulkhead sent" }
            #expect(!guest.lines.contains { $0.hasSuffix(" bytes lost)") })
            let text = guest.lines[(sent + 1)..<(try #require(last))].map { $0 + "\n" }.joined()
            let received = try DeviceFile(content: Array(text.utf8))
            #expect(
                sending == "@bulkhead sending bytes=\(text.utf8.count) sha256=\(try received.digest(first: .max))")
            // What it cost is of interest: one exit for what Linux' driver sends at once, 16 bytes.
            print("exits for 1 MiB either way:", try machine.exits("console"))
        }
    }
}
