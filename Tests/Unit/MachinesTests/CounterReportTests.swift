import Foundation
import Testing

@testable import Machines
@testable import TestKit

@Suite struct CounterReportTests {
    private static func cost(_ count: Int, _ median: Int) -> String {
        #"{"count": \#(count), "min": 1, "median": \#(median), "p99": \#(median), "max": 900, "total": 5}"#
    }
    private static func report(unreadable: Int = 0) -> Data {
        Data(
            #"""
            {"schema": 1, "unreadable": \#(unreadable), "phases": [
             {"phase": 0, "instructions": 9, "guest_instructions": 1, "held": 7, "exits": {"msr": \#(cost(3, 7))},
              "vcpus": [{"held": 1, "model_instructions": 0, "exits": {}}, {"held": 7, "model_instructions": 0, "exits": {"msr": \#(cost(3, 7))}}]},
             {"phase": 4, "instructions": 9, "guest_instructions": 1, "held": 5, "exits": {"msr": \#(cost(6, 8))},
              "vcpus": [{"held": 5, "model_instructions": 0, "exits": {"port": \#(cost(1, 2))}}, {"held": 2, "model_instructions": 0, "exits": {"msr": \#(cost(5, 8))}}]}]}
            """#.utf8)
    }

    @Test func aReportIsReadByPhase() throws {
        let report = try CounterReport(json: Self.report())
        #expect(report.phases.map(\.phase) == [0, 4])
        #expect(report.phases.map(\.held) == [7, 5])
        #expect(report.phases[1].exits["msr"]?.median == 8)
        #expect(report.phases[1].exits["msr"]?.max == 900)
    }

    @Test func theExitsOfACoreAreThoseOfAllPhases() throws {
        let report = try CounterReport(json: Self.report())
        #expect(report.exits(core: 0) == ["port": 1])
        #expect(report.exits(core: 1) == ["msr": 8])
        #expect(report.exits(core: 2).isEmpty)
    }

    @Test func aReportWithUnreadableReasonsIsWorthNothing() {
        #expect(throws: MachineError.self) { try CounterReport(json: Self.report(unreadable: 1)) }
    }

    @Test(arguments: [
        ("@meter done times=1000 interrupts=1000 nmis=1000", 1000 as UInt64?),
        ("@meter done times=1000 interrupts=999 nmis=1000", nil), ("@meter error there is no second vCPU", nil),
        ("@meter exception cpu=1 vector=1 rip=1", nil), ("@meter done times=x interrupts=x nmis=x", nil),
        ("", nil),
    ]) func theGuestsLastLineMustTellThatAllHasCome(line: String, times: UInt64?) {
        #expect(ExitMeter.times(line) == times)
    }
}
