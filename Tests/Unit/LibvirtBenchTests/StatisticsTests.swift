import Foundation
@testable import LibvirtBench
import Testing

/// Of windows whose calls are known.
@Suite struct StatisticsTests {
    @Test func medianAndPercentileAreRanks() {
        let hundred = CallStatistics(nanoseconds: (1...100).map { $0 * 1000 }.shuffled(), seconds: 0.5)
        #expect(hundred.callsPerSecond == 200 && hundred.median == 50 && hundred.p99 == 99)
        let two = CallStatistics(nanoseconds: [3000, 1000], seconds: 2, processor: 5000)
        #expect(two.processor == 2.5)
        #expect(two.callsPerSecond == 1 && two.median == 1 && two.p99 == 3)
        let one = CallStatistics(nanoseconds: [.max], seconds: 1)
        #expect(one.median == one.p99 && one.p99 == Double(UInt32.max) / 1000)
        let slow = CallStatistics(nanoseconds: Array(repeating: 1000, count: 98) + [9000, 9000], seconds: 1)
        #expect(slow.median == 1 && slow.p99 == 9)
        #expect(CallStatistics.median([3, 1, 2]) == 2 && CallStatistics.median([4, 1, 3, 2]) == 2)
    }

    static func window(_ perSecond: Int) -> CallStatistics {
        CallStatistics(nanoseconds: Array(repeating: 1000, count: perSecond), seconds: 1)
    }

    /// A round in which the host was busy tells nothing about either: each ratio is of one round.
    @Test func ratiosAreOfOneRound() throws {
        let report = LibvirtBenchReport(
            [
                .init(call: .info, connections: 8): [
                    [Self.window(20), Self.window(10)], [Self.window(2), Self.window(1)],
                    [Self.window(30), Self.window(20)],
                ],
                .init(call: .list, connections: 64): [[Self.window(5), Self.window(10)]],
                .init(call: .list, connections: 1): [[Self.window(5), Self.window(5)]],
            ], [.init(server: "bulkheadd", idleBytes: 30_000_000, connectedBytes: 31_260_000)], rounds: 3, seconds: 1,
            version: "9.0.0")
        #expect(
            report.figures.map(\.call) == [.list, .list, .info] && report.figures.map(\.connections) == [1, 64, 8])
        #expect(report.figures.map(\.ratio) == [1, 0.5, 2] && report.connections == 64)
        #expect(report.figures[2].bulkheadd.callsPerSecond == 20 && report.figures[2].libvirtd?.callsPerSecond == 10)
        let lines = report.text.split(separator: "\n")
        #expect(lines.contains { $0.hasPrefix("list") && $0.hasSuffix("0.50") })
        #expect(lines.contains("memory of bulkheadd: 30.0 MB, with 64 connections 31.3 MB"))
        let again = try JSONDecoder().decode(LibvirtBenchReport.self, from: report.json())
        #expect(
            again.schema == 1 && again.figures.count == 3 && again.figures[0].bulkheadd == report.figures[0].bulkheadd)
    }

    @Test func aloneThereIsNoRatio() {
        let report = LibvirtBenchReport(
            [.init(call: .xml, connections: 1): [[Self.window(5)], [Self.window(7)], [Self.window(9)]]], [], rounds: 3,
            seconds: 1, version: nil)
        #expect(report.figures.map(\.ratio) == [nil] && report.figures[0].bulkheadd.callsPerSecond == 7)
        #expect(report.figures[0].libvirtd == nil && !report.text.contains("libvirtd"))
    }

    @Test func aProgramThatIsNotThereIsNamed() {
        do {
            _ = try LibvirtBench(bulkheadd: "/bin/sh", libvirtd: "/nowhere/libvirtd", rounds: 1, seconds: 1)
            Issue.record("it was taken")
        } catch {
            #expect("\(error)".hasPrefix("/nowhere/libvirtd does not exist; install Debian's package libvirt-daemon "))
        }
    }
}
