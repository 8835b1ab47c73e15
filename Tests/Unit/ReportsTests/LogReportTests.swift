import Control
import ControlClient
import Foundation
import Reports
import Testing

/// What `log` prints.
@Suite struct LogReportTests {
    private func report(_ text: String, slot: String? = nil, last: Int? = nil) -> BootLogReport {
        BootLogReport(slot: slot, file: "BULKHEAD/boot.log", Data(text.utf8), last: last)
    }

    private let two = """
        bulkhead: version 0.1.0, 290816 bytes
        bulkhead: refused: no manifest
        bulkhead: version 0.1.0, 290816 bytes
        bulkhead: refused: R70 housekeeping asks

        """

    @Test func aStartEndsWithItsRefusal() throws {
        #expect(
            report(two, slot: "a").text.hasPrefix(
                """
                BULKHEAD/boot.log, slot a: 2 refused starts

                  bulkhead: version 0.1.0, 290816 bytes
                  bulkhead: refused: no manifest

                  bulkhead: version 0.1.0, 290816 bytes
                  bulkhead: refused: R70 housekeeping asks
                    what to change: A core has one class of service.
                """))
        let last = report(two, last: 1)
        #expect(last.text.hasPrefix("BULKHEAD/boot.log: 1 refused start\n") && !last.text.contains("no manifest"))
        let json = try jsonText(last, pretty: false)
        #expect(json.contains(#""number":70"#) && json.contains(#""advice":"A core has one class"#))
        #expect(!json.contains("slot"))
        #expect(try jsonText(report(two, slot: "b")).contains(#""slot" : "b""#))
    }

    /// A page that was full has no line's end, and the next start is a start all the same.
    @Test func aPageThatWasFull() throws {
        let cut = report(
            "bulkhead: version 0.1.0, 1 bytes\nbulkhead: devbulkhead: version 0.1.0, 1 bytes\nbulkhead: refused: x\n")
        #expect(cut.text.hasPrefix("BULKHEAD/boot.log: 2 refused starts\n"))
        #expect(cut.text.contains("\n  bulkhead: dev\n\n  bulkhead: version"))
        // What is left of a start whose beginning is not there.
        #expect(
            report("bulkhead: refused: x\r\n").text == "BULKHEAD/boot.log: 1 refused start\n\n  bulkhead: refused: x")
    }

    /// Whoever could write to the volume speaks to no terminal.
    @Test func aStrangersLines() throws {
        let bytes = Data([0x1B, 0x5B, 0x32, 0x4A, 0xFF, 0xFE, 0, 0x0A, 0x52, 0x38, 0x34, 0x0A])
        let report = BootLogReport(slot: nil, file: "BULKHEAD/boot.log", bytes)
        #expect(!report.text.unicodeScalars.contains { $0.value < 0x20 && $0 != "\n" })
        #expect(report.text.hasSuffix("\n  R84"))
        // C0, DEL, C1 (CSI in one byte), and what turns the direction of writing or is not seen.
        let strange = "\u{1B}\u{7F}\u{80}\u{9B}\u{9F}\u{61C}\u{200B}\u{200F}\u{202E}\u{2066}\u{FEFF}\u{E0041}"
        let text = "bulkhead: \(strange)é\"\\\n", strangers = self.report(text)
        #expect(strangers.text.hasSuffix("\n  bulkhead: " + String(repeating: "?", count: 12) + "é\"\\"))
        for pretty in [false, true] {
            let json = try jsonText(strangers, pretty: pretty)
            #expect(!json.unicodeScalars.contains { strange.unicodeScalars.contains($0) })
            // It says what the text without escapes would say.
            let plain = JSONEncoder()
            plain.keyEncodingStrategy = .convertToSnakeCase
            let (found, expected) = (
                try JSONSerialization.jsonObject(with: Data(json.utf8)) as? NSDictionary,
                try JSONSerialization.jsonObject(with: plain.encode(strangers)) as? NSDictionary
            )
            #expect(found != nil && found == expected)
        }
        #expect(self.report("").isEmpty && self.report("\n\n").isEmpty && !report.isEmpty)
    }

    @Test func whatAMachineKnowsOfItsPast() {
        var machine = MachineInfo(), guest = PartitionInfo(), other = PartitionInfo()
        (machine.name, machine.version, machine.uptimeMicroseconds) = (text("m"), text("0.1.0"), 3_725_000_000)
        (guest.name, guest.state, guest.cause) = (text("wo\u{1B}rk"), .running, .watchdog)
        (guest.starts, guest.uptimeMicroseconds) = (3, 125_000_000)
        (other.name, other.state, other.cause, other.starts) = (text("log"), .stopped, .poweroff, 1)
        let began = Date(timeIntervalSince1970: 1_800_000_000)
        #expect(
            PresentReport(machine, [other, guest], began: began).text == """
                2027-01-15T08:00:00.000Z  0.0 ms  m  Bulkhead 0.1.0
                2027-01-15T09:00:00.000Z  1:00:00  wo?rk  running  watchdog  (start 3)
                2027-01-15T09:02:05.000Z  1:02:05  log  stopped  poweroff  (now; starts: 1)
                """)
        // A clock that says more than the machine's own.
        guest.uptimeMicroseconds = .max
        #expect(PresentReport(machine, [guest], began: began).text.contains("1:02:05  wo?rk"))
    }
}
