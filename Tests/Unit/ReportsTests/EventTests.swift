import Control
import ControlClient
import Foundation
import Reports
import Testing

@Suite struct EventTests {
    static func event(_ kind: ControlEvent.Kind, _ name: String, missed: UInt64 = 0) -> NumberedEvent {
        var event = ControlEvent(kind)
        (event.partition, event.state, event.cause) = (text(name), .crashed, .violation)
        (event.clockMicroseconds, event.vcpu, event.code, event.address) = (3_725_000_000, 3, 0x400, 0xFEE0_0000)
        return NumberedEvent(sequence: 7, event: event, missed: missed)
    }

    static func device(_ name: String, isWrite: Bool, isInterrupt: Bool = false) -> NumberedEvent {
        var event = event(.device, name)
        event.event.code =
            RefusedAccess(requester: 0x0110, isWrite: isWrite, isInterrupt: isInterrupt, reason: 5).rawValue
        return event
    }

    @Test func aChangeOfStateIsOneLine() throws {
        let report = EventReport(Self.event(.state, "workload"))
        #expect(report.text == "1:02:05  workload  crashed  violation")
        #expect(
            try jsonText(report, pretty: false)
                == #"{"cause":"violation","clock_us":3725000000,"kind":"state","missed":0,"partition":"workload","sequence":7,"#
                + #""state":"crashed"}"#)
    }

    @Test func whatWasMissedIsSaidBefore() {
        #expect(
            EventReport(Self.event(.state, "a\u{07}", missed: 2)).text == """
                (2 events missed)
                1:02:05  a?  crashed  violation
                """)
    }

    @Test func aFaultSaysWhere() throws {
        let report = EventReport(Self.event(.fault, "workload"))
        let began = Date(timeIntervalSince1970: 1_800_000_000)
        let timed = EventReport(Self.event(.state, "workload"), began: began).text
        #expect(timed == "2027-01-15T09:02:05.000Z  1:02:05  workload  crashed  violation")
        #expect(
            report.text
                == "1:02:05  workload  crashed  violation  fault on vCPU 3: code 0x400, address 0xfee00000")
        #expect(try jsonText(report, pretty: false).contains(#""address":"0xfee00000","cause":"violation","#))
        #expect(try jsonText(report, pretty: false).hasSuffix(#""state":"crashed","vcpu":3}"#))
    }

    @Test(arguments: [(true, false, "a write"), (false, false, "a read"), (false, true, "an interrupt")])
    func aDeviceSaysWhatItTried(_ isWrite: Bool, _ isInterrupt: Bool, _ words: String) throws {
        let report = EventReport(Self.device("workload", isWrite: isWrite, isInterrupt: isInterrupt))
        #expect(
            report.text
                == "1:02:05  workload  device 01:02.0 was refused \(words) at 0xfee00000 (reason 5)")
        let json = try jsonText(report, pretty: false)
        #expect(json.contains(#""access":"\#(words.split(separator: " ")[1])","#))
        #expect(json.contains(#""function":"01:02.0","kind":"device","#) && json.contains(#""reason":5,"#))
        #expect(!json.contains("vcpu") && !json.contains(#""code""#))
    }

    @Test func aDeviceMayBeNobodys() {
        #expect(EventReport(Self.device("", isWrite: true)).text.contains("  nobody's  device 01:02.0 was refused"))
    }
}
