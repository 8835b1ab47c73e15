import Control

/// What the machine has told since the daemon found it, or another one in its place, by partition.
struct EventCounters {
    struct Key: Hashable {
        let partition: String
        let kind: ControlEvent.Kind
    }
    private var machine = ""
    private(set) var counts: [Key: UInt64] = [:]
    private var lost: UInt64 = 0

    /// The machine answers. Another one's partitions are others, whatever their names.
    mutating func begin(_ name: String) {
        if name != machine { self = EventCounters() }
        machine = name
    }

    /// - Parameter isKnown: the machine has this partition; events of functions that nobody owns have none.
    mutating func note(_ event: ControlEvent, isKnown: Bool) {
        lost = lost.clampedPlus(event.lost)
        counts[Key(partition: isKnown ? event.partition.string : "", kind: event.kind), default: 0] += 1
    }

    /// - Parameter partitions: those that there are. Of each there is a number, 0 too: what a first sample shows has happened before.
    mutating func write(_ partitions: [String], to page: inout MetricsText) {
        let places = Set(partitions + [""])
        counts = counts.filter { places.contains($0.key.partition) }
        func write(_ name: String, _ kind: ControlEvent.Kind, _ help: String) {
            page.family(name, .counter, help) { family in
                for partition in places.sorted() {
                    let count = counts[Key(partition: partition, kind: kind)]
                    if partition.isEmpty, kind != .device, count == nil { continue }
                    family.sample(count ?? 0, ["partition": partition])
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
