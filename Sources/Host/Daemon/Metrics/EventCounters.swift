import Control

/// What the machine has told since the daemon found it, by partition.
struct EventCounters {
    private struct Key: Hashable {
        let partition: String
        let kind: ControlEvent.Kind
    }
    private var counts: [Key: UInt64] = [:]
    private var lost: UInt64 = 0

    /// - Parameter isKnown: the machine has this partition; events of functions that nobody owns have none.
    mutating func note(_ event: ControlEvent, isKnown: Bool) {
        lost = lost.clampedPlus(event.lost)
        counts[Key(partition: isKnown ? event.partition.string : "", kind: event.kind), default: 0] += 1
    }

    func write(to page: inout MetricsText) {
        func write(_ name: String, _ kind: ControlEvent.Kind, _ help: String) {
            page.family(name, .counter, help) { family in
                for (key, count) in counts.sorted(by: { $0.key.partition < $1.key.partition }) where key.kind == kind {
                    family.sample(count, ["partition": key.partition])
                }
            }
        }
        write("bulkhead_state_changes_total", .state, "Changes of a partition's state.")
        write("bulkhead_faults_total", .fault, "Faults of a guest, or of the hypervisor's instance below it.")
        write(
            "bulkhead_device_refusals_total", .device,
            "What functions of a partition tried and its IOMMU refused; without a partition: of nobody's.")
        write("bulkhead_attacks_total", .attack, "Changes to a guest's kernel that the watch has told of.")
        page.family("bulkhead_events_lost_total", .counter, "Events that came faster than they could be told.") {
            $0.sample(lost)
        }
    }
}
