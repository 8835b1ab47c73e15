import ControlClient
import Foundation
import Machines
import Testing

@testable import TestKit

@Suite struct MeasuredGuestTests {
    /// A guest whose console follows a script.
    private final class Scripted: MeasuredGuest {
        var typed: [String] = []
        var script: [String]
        var own: UInt64?
        let counter: Counter? = nil
        let cores = [1]
        init(_ script: [String], own: UInt64? = nil) { (self.script, self.own) = (script, own) }
        func type(line: String) { typed.append(line) }
        var clock: any WaitClock { HostClock() }
        func lines(timeout: Duration) -> [String] { script.isEmpty ? [] : [script.removeFirst()] }
        func ownExits() -> UInt64? { own }
    }

    @Test func theReadyLineIsNotCountedAsTheKernels() throws {
        let line = "@bulkhead ready kernel=6.1 vcpus=1 run=idle uptime_ms=1899"
        let guest = Scripted(["Booting from ROM...\(line)"], own: 500)
        let start = try guest.waitUntilReady(seconds: 1)
        #expect(start.kernelMilliseconds == 1899)
        // "Booting from ROM..." was not written by user space.
        #expect(start.ownExits == UInt64(500 - line.utf8.count - 2))
    }

    @Test func aWindowEndsBehindItsOwnBeginning() throws {
        let guest = Scripted([
            "@bulkhead phase-end name=idle", "forks 4", "@bulkhead phase name=forks seconds=4",
            "@bulkhead work name=forks count=200 ms=4000", "@bulkhead phase-end name=forks",
        ])
        var window = try guest.measure("forks", seconds: 4)
        #expect(guest.typed == ["forks 4"])
        #expect(window.workPerSecond == 50)
        #expect(window.exitsPerSecond == nil)
        window.counts = .init(
            instructions: 5000, guestInstructions: 4000,
            exits: ["cpuid": .init(count: 3500, median: 1, max: 1, total: 3500)])
        #expect(window.exitsPerSecond == 875)
        #expect(window.exitsPerWork == 17.5)
        #expect(window.instructionsPerWork == 25)
        #expect(window.hypervisorInstructionsPerWork == 5)
    }

    @Test func coresAreAddedUp() throws {
        let text = """
            {"schema": 1, "unreadable": 0, "phases": [{"phase": 1, "instructions": 9, "guest_instructions": 3, "exits": {},
            "vcpus": [{"instructions": 100, "guest_instructions": 0, "model_instructions": 1, "exits": {}},
            {"instructions": 40, "guest_instructions": 30, "model_instructions": 6, "exits":
            {"msr": {"count": 2, "min": 4, "median": 5, "p99": 6, "max": 6, "total": 10, "long_count": 0, "long_total": 0}}},
            {"instructions": 50, "guest_instructions": 20, "model_instructions": 2, "exits": {"nested_page_fault":
            {"count": 1, "min": 9, "median": 9, "p99": 9, "max": 9, "total": 9, "long_count": 1, "long_total": 9},
            "msr": {"count": 3, "min": 7, "median": 7, "p99": 8, "max": 8, "total": 22, "long_count": 2, "long_total": 15}}}]}]}
            """
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        let report = try decoder.decode(Counter.Report.self, from: Data(text.utf8))
        let sum = report.sum(report.phases, cores: [1, 2])
        #expect(sum.instructions == 90)
        #expect(sum.guestInstructions == 50 && sum.modelInstructions == 8)
        #expect(sum.exits["msr"] == .init(count: 5, median: 7, max: 8, total: 32, longCount: 2, longTotal: 15))
        #expect(sum.longExitCount == 3 && sum.longInstructions == 24)
        #expect(sum.exits["nested_page_fault"]?.count == 1)
        #expect(sum.exitCount == 6)
    }

    @Test func whatAGuestDeclinesIsSaid() {
        let guest = Scripted(["@bulkhead error that needs more processors"])
        #expect { try guest.measure("smp", seconds: 4) } throws: {
            "\($0)" == "the guest cannot do that; it said: that needs more processors"
        }
    }

    @Test func quantilesOfAHistogram() {
        var histogram = LatencyHistogram()
        histogram.add([.init(microseconds: 100, count: 9), .init(microseconds: 20, count: 90)])
        histogram.add([.init(microseconds: 10000, count: 1)])
        #expect(histogram.samples == 100)
        #expect(histogram.quantile(0.5) == 20)
        #expect(histogram.quantile(0.9) == 20)
        #expect(histogram.quantile(0.91) == 100)
        #expect(histogram.quantile(1) == 10000)
        #expect(LatencyHistogram().quantile(0.5) == nil)
    }
}
