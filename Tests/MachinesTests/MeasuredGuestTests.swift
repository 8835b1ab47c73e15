import Foundation
import Testing

@testable import Machines

@Suite struct MeasuredGuestTests {
    /// A guest whose console and counters follow a script.
    private final class Scripted: MeasuredGuest {
        var typed: [String] = []
        var script: [String]
        var samples: [ExitSample]
        init(_ script: [String], _ samples: [ExitSample] = []) { (self.script, self.samples) = (script, samples) }
        func type(line: String) { typed.append(line) }
        func lines(timeout: Duration) -> [String] { script.isEmpty ? [] : [script.removeFirst()] }
        func exits() -> ExitSample? { samples.isEmpty ? nil : samples.removeFirst() }
    }

    @Test func theReadyLineIsNotCountedAsTheKernels() throws {
        let line = "@bulkhead ready kernel=6.1 vcpus=1 run=idle uptime_ms=1899"
        let guest = Scripted(
            ["Booting from ROM...\(line)"], [.init(seconds: 1, byReason: ["port": 100, "cpuid": 7])])
        let start = try guest.waitUntilReady(seconds: 1)
        #expect(start.kernelMilliseconds == 1899)
        #expect(start.exits?["cpuid"] == 7)
        // "Booting from ROM..." was not written by user space.
        #expect(start.exits?["port"] == UInt64(100 - line.utf8.count - 2))
    }

    @Test func aWindowCountsWhatCameBetweenTwoLooks() throws {
        let guest = Scripted(
            [
                "forks 4", "@bulkhead phase name=forks seconds=4", "@bulkhead work name=forks count=200 ms=4000",
                "@bulkhead phase-end name=forks",
            ],
            [
                .init(seconds: 10, byReason: ["cpuid": 1000, "msr": 5]),
                .init(seconds: 12, byReason: ["cpuid": 4500, "msr": 5, "port": 4]),
            ])
        let window = try guest.measure("forks", seconds: 4)
        #expect(guest.typed == ["forks 4"])
        #expect(window.exits == ["cpuid": 3500, "port": 4])
        #expect(window.seconds == 2)
        #expect(window.exitsPerSecond == 1752)
        #expect(window.workPerSecond == 50)
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

    @Test func exitsOfKVMHaveTheNamesOfOurCounters() {
        // AMD64 Architecture Programmer's Manual, volume 2, table C-1.
        #expect(KVMGuest.name(0x72) == "cpuid")
        #expect(KVMGuest.name(0x7C) == "msr")
        #expect(KVMGuest.name(0x7B) == "port")
        #expect(KVMGuest.name(0x400) == "nested_page_fault")
        #expect(KVMGuest.name(0x401) == "svm_401h")
    }
}
