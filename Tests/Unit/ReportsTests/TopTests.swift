import Control
import ControlClient
import Manifest
import Reports
import Testing

@Suite struct TopTests {
    func statistics(_ clock: UInt64, _ cpuid: UInt64, _ halt: UInt64) -> PartitionStatistics {
        var exits = ExitCounters()
        (exits[.cpuid], exits[.halt]) = (cpuid, halt)
        return PartitionStatistics(clockMicroseconds: clock, vcpus: [exits, ExitCounters()])
    }

    var sample: TopSample {
        TopSample(
            Samples.machine, Samples.partitions, ["control-loop": statistics(3_500_000, 100, 15)],
            since: ["control-loop": statistics(1_500_000, 95, 5)])
    }

    @Test func wide() {
        let lines = TopScreen(sample, columns: 200, rows: 50, hasColour: false).lines
        #expect(
            lines == [
                "demo: 4 cores, 2 GiB, up 12.5 s; Bulkhead 0.1.0", "",
                "PARTITION     STATE    CORES   MEMORY  UPTIME  STARTS  EXITS/S  EXITS  EXITS/S BY REASON",
                "control-loop  running  1      256 MiB   7.1 s       1      7.5    115  halt 5.0, cpuid 2.5",
                "a?[2J         crashed  0,2-3    1 GiB       -      12        -      -  -",
            ])
    }

    /// No line is longer than the terminal, names and rates stay, and nothing but colour has control sequences.
    @Test func narrow() {
        for columns in 1...120 {
            let plain = TopScreen(sample, columns: columns, rows: 50, hasColour: false).lines
            #expect(plain.allSatisfy { $0.count <= columns && !$0.contains("\u{1B}") }, "\(columns)")
            let coloured = TopScreen(sample, columns: columns, rows: 50, hasColour: true).lines
            #expect(
                coloured.map { $0.replacing(/\u{1B}\[[0-9]*m/, with: "") } == plain && coloured != plain, "\(columns)")
            if columns >= 21 { #expect(plain[3].hasPrefix("control-loop ") && plain[3].contains("7.5")) }
        }
        let lines = TopScreen(sample, columns: 40, rows: 50, hasColour: false).lines
        #expect(lines[2] == "PARTITION     STATE    EXITS/S")
        #expect(TopScreen(sample, columns: 80, rows: 4, hasColour: false).lines.count == 4)
        #expect(TopScreen(sample, columns: 80, rows: 0, hasColour: false).lines.count == 1)
    }

    @Test func orders() {
        func names(_ order: TopScreen.Order) -> [String] {
            TopScreen(sample, columns: 99, rows: 9, order: order, hasColour: false).lines[3...].map {
                String($0.prefix { $0 != " " })
            }
        }
        #expect(names(.manifest) == ["control-loop", "a?[2J"] && names(.exits) == ["control-loop", "a?[2J"])
        #expect(names(.name) == ["a?[2J", "control-loop"])
    }

    @Test func forPrograms() throws {
        let json = try jsonText(sample, pretty: false)
        #expect(
            json.contains(
                #""exits":15,"exits_by_reason":{"cpuid":5,"halt":10},"exits_by_vcpu":[15,0],"exits_in_all":115"#))
        #expect(json.contains(#""name":"control-loop","seconds":2,"#) && !json.contains("\u{1B}"))
        // The first sample has counts, and no rates.
        let first = TopSample(
            Samples.machine, Samples.partitions, ["control-loop": statistics(3_500_000, 100, 15)], since: [:])
        let text = try jsonText(first, pretty: false)
        #expect(text.contains(#""exits_in_all":115"#) && !text.contains(#""seconds""#))
        #expect(TopScreen(first, columns: 99, rows: 9, hasColour: false).lines[3].hasSuffix("-    115  -"))
    }
}
