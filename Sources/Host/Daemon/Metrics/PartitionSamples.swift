import Control
import ControlClient

/// What the machine says of its partitions, as samples.
enum PartitionSamples {
    private static let states: [PartitionState] = [.stopped, .starting, .running, .paused, .stopping, .crashed]

    /// - Parameters:
    ///   - statistics: of those whose counters could be read.
    ///   - moved: bytes to and from memory (`TrafficSums`).
    static func write(
        _ partitions: [PartitionInfo], _ statistics: [String: PartitionStatistics], _ moved: [String: UInt64],
        to page: inout MetricsText
    ) {
        func each(
            _ name: String, _ kind: MetricsText.Kind, _ help: String, _ value: (PartitionInfo) -> (some Numeric)?
        ) {
            page.family(name, kind, help) { family in
                for partition in partitions {
                    guard let value = value(partition) else { continue }
                    family.sample(value, ["partition": partition.name.string])
                }
            }
        }
        page.family("bulkhead_partition_state", .gauge, "1 for the state in which a partition is, 0 for the others.") {
            for partition in partitions {
                for state in states {
                    let labels: KeyValuePairs = ["partition": partition.name.string, "state": state.name]
                    $0.sample(partition.state == state ? 1 : 0, labels)
                }
            }
        }
        each("bulkhead_partition_starts_total", .counter, "Starts of a partition's guest.") { $0.starts }
        each("bulkhead_partition_uptime_seconds", .gauge, "Since the guest's first instruction; 0 while none runs.") {
            Double($0.uptimeMicroseconds) / 1_000_000
        }
        each("bulkhead_partition_memory_bytes", .gauge, "Memory of a partition's guest.") { $0.memory }
        each("bulkhead_partition_overhead_bytes", .gauge, "What the hypervisor keeps for a partition.") {
            $0.hypervisorMemory
        }
        each("bulkhead_partition_cores", .gauge, "Cores of a partition.") { $0.coreList.count }
        each("bulkhead_partition_watchdog_kicks", .gauge, "Kicks of the watchdog since the guest started.") { $0.kicks }
        each("bulkhead_partition_watch_verdicts", .gauge, "Verdicts of the watch since the guest started.") {
            $0.watch >> 32
        }
        page.family("bulkhead_exits_total", .counter, "Exits of a vCPU into the hypervisor, by reason.") { family in
            for partition in partitions {
                let name = partition.name.string
                for (vcpu, exits) in (statistics[name]?.vcpus ?? []).enumerated() {
                    for reason in ExitReason.all {
                        family.sample(exits[reason], ["partition": name, "vcpu": "\(vcpu)", "reason": reason.name])
                    }
                }
            }
        }
        writeChannels(partitions, statistics, to: &page)
        each("bulkhead_cache_bytes", .gauge, "What a partition has in the last-level cache, where that is counted.") {
            statistics[$0.name.string]?.traffic?.occupancy
        }
        each("bulkhead_traffic_bytes_total", .counter, "Bytes that a partition has moved since they are watched.") {
            moved[$0.name.string]
        }
    }

    /// By channel and by the partition whose end it is.
    private static func writeChannels(
        _ partitions: [PartitionInfo], _ statistics: [String: PartitionStatistics], to page: inout MetricsText
    ) {
        let ends = partitions.flatMap { partition in
            (statistics[partition.name.string]?.channels ?? []).filter { $0.link != ChannelCounters.memory }
                .map { (partition.name.string, $0) }
        }
        guard !ends.isEmpty else { return }
        func each(_ name: String, _ kind: MetricsText.Kind, _ help: String, _ value: (ChannelCounters) -> UInt64) {
            page.family(name, kind, help) { family in
                for (partition, end) in ends {
                    family.sample(value(end), ["channel": end.name.string, "partition": partition])
                }
            }
        }
        each("bulkhead_channel_link", .gauge, "1 while both ends of a channel have a driver.") { $0.link }
        each("bulkhead_channel_frames_total", .counter, "Frames that an end of a channel has sent.") { $0.frames }
        each("bulkhead_channel_bytes_total", .counter, "Bytes of the frames that an end of a channel has sent.") {
            $0.bytes
        }
        each("bulkhead_channel_dropped_total", .counter, "Frames that an end of a channel was to send and did not.") {
            $0.dropped
        }
        each("bulkhead_channel_kicks_total", .counter, "Interruptions of the other end's guest.") { $0.kicks }
    }
}
