import Control
import ControlClient
import Manifest
import Reports
import Testing

@Suite struct TableTests {
    @Test func columnsAreAligned() {
        var table = TextTable(["NAME", "COUNT", "REST"], numbers: [1])
        table.add(["a", "10000000", ""])
        table.add(["longer", "1", "x"])
        #expect(table.lines == ["NAME       COUNT  REST", "a       10000000", "longer         1  x"])
    }

    @Test func partitionsAreListed() {
        #expect(
            PartitionTable(Samples.machine, Samples.partitions).text == """
                demo: 4 cores, 2 GiB; Bulkhead 0.1.0, 360 KiB program, 5 MiB in all, up 12.5 s

                NAME          STATE    CORES   MEMORY  UPTIME  STARTS  OVERHEAD  KEY   CAUSE         IMAGE
                control-loop  running  1      256 MiB   7.1 s       1   976 KiB  none  manifest      linux-rt
                a?[2J         crashed  0,2-3    1 GiB       -      12     2 MiB  none  triple fault
                """)
    }

    @Test func aPartitionThatWaitsForItsNextStartSaysSo() throws {
        var info = Samples.partitions[0]
        (info.state, info.cause, info.startsInMicroseconds) = (.starting, .tripleFault, 3_200_000)
        let text = PartitionTable(Samples.machine, [info]).text
        #expect(text.contains("control-loop  starting in 3.2 s  1 ") && text.contains("  triple fault  "))
        #expect(
            try jsonText(MachineListing(Samples.machine, [info]), pretty: false).contains("\"starts_in_us\":3200000,"))
    }

    @Test func partitionsAreListedForPrograms() throws {
        let json = try jsonText(MachineListing(Samples.machine, Samples.partitions), pretty: false)
        #expect(
            json.hasPrefix(#"{"cores":4,"damaged_frames":0,"hypervisor_memory_bytes":5242880,"image_bytes":368640,"#))
        #expect(json.contains(#""cause":"triple fault","cores":[0,2,3],"hypervisor_memory_bytes":2097152,"#))
        #expect(
            json.contains(
                #""permits":["statistics","console-read"],"starts":12,"starts_in_us":0,"state":"crashed","uptime_us":0"#
            ))
        // In the order of the operations' numbers.
        let all = ControlOperation.all.filter { !$0.description.permission.isEmpty }.map { "\"\($0.name)\"" }
        #expect(json.contains("\"permits\":[\(all.joined(separator: ","))]"))
    }

    @Test func exitsAreCountedSinceAMoment() throws {
        func statistics(_ clock: UInt64, _ counts: [(UInt64, UInt64)]) -> PartitionStatistics {
            PartitionStatistics(
                clockMicroseconds: clock,
                vcpus: counts.map { cpuid, halt in
                    var exits = ExitCounters()
                    (exits[.cpuid], exits[.halt]) = (cpuid, halt)
                    return exits
                })
        }
        let before = statistics(1_000_000, [(100, 5)]), after = statistics(3_500_000, [(100, 8), (0, 1)])
        #expect(
            ExitTable([ExitCount("workload", after, since: before)]).text == """
                PARTITION  VCPU  EXITS  halt
                workload      0      3     3
                workload      1      1     1
                """)
        #expect(
            ExitTable([ExitCount("workload", after)]).text == """
                PARTITION  VCPU  EXITS  cpuid  halt
                workload      0    108    100     8
                workload      1      1      0     1
                """)
        let json = try jsonText([ExitCount("workload", after, since: before)], pretty: false)
        #expect(json.hasPrefix(#"[{"exits":4,"partition":"workload","seconds":2.5,"vcpus":[{"by_reason":{"#))
        #expect(
            json.contains(#""halt":3,"#) && json.contains(#""nested_page_fault":0,"#) && json.contains(#"},"total":3}"#)
        )
    }

    @Test func theDemoShowsTwoLinesForEachPartition() {
        var rows = Samples.partitions.map(DemoTable.Row.init)
        rows[0].kernel = "6.1.0-rt"
        rows[0].exits = 421
        rows[0].rates = [(.cpuid, 1.25), (.port, 10)]
        rows[0].steady = (0, 10.04)
        rows[0].latency = (9, 41)
        var waiting = Samples.partitions[0]
        waiting.uptimeMicroseconds = 3_700_000_000
        rows.append(DemoTable.Row(waiting))
        rows[2].isReady = false
        // A guest of which nothing says when it is ready is never said to be on its way.
        rows.append(DemoTable.Row(Samples.partitions[0]))
        let lines = DemoTable(Samples.machine, uptime: 65.9, rows).lines
        #expect(
            lines[0]
                == "\u{1B}[1mBulkhead 0.1.0\u{1B}[0m  machine demo: 4 cores, 2048 MiB, up 1:05; hypervisor 360 KiB, "
                + "5120 KiB of memory; first guest after 41 ms")
        let shown = lines.dropFirst(2).map { $0.split(separator: " ").joined(separator: " ") }
        #expect(
            shown == [
                "PARTITION STATE CORES MEMORY UP EXITS EXITS/S STEADY LATENCY AVG/MAX",
                "1 control-loop running 1 256M 0:07 421 11.2 0 in 10 s 9 / 41 us",
                "Linux 6.1.0-rt exits: cpuid 1.2/s, port 10.0/s", "2 a\u{1B}[2J crashed 0,2,3 1024M 0:00 0 0.0 - -", "",
                "3 control-loop not ready 1 256M 1:01:40 0 0.0 - -", "linux-rt",
                "4 control-loop running 1 256M 0:07 0 0.0 - -", "linux-rt", "",
            ])
    }
}
