import ControlClient
import Machines

/// What a demo shows: one machine, or an example's two.
struct DemoMachines {
    /// One partition, by the name that it has in the demo.
    struct Place {
        let name: String
        let partition: PartitionWatch
        let client: ControlClient
    }

    let first: Testbed
    /// With its name, which its partitions have behind theirs; nil: there is none.
    let second: (name: String, testbed: Testbed)?

    init(_ first: Testbed, second: (name: String, testbed: Testbed)? = nil) {
        (self.first, self.second) = (first, second)
    }

    var all: [Testbed] { [first] + (second.map { [$0.testbed] } ?? []) }

    /// In the order of the machines and of their manifests.
    var places: [Place] {
        all.enumerated().flatMap { index, testbed in
            let suffix = index == 0 ? "" : "@" + (second?.name ?? "")
            return testbed.watch.partitions.map {
                Place(name: $0.name + suffix, partition: $0, client: testbed.watch.client)
            }
        }
    }

    /// Fetches everything that is new.
    func refresh() throws { for testbed in all { try testbed.watch.refresh() } }
    func requireRunning() throws { for testbed in all { try testbed.machine.requireRunning() } }
    var areRunning: Bool { all.allSatisfy { $0.machine.isRunning } }

    /// As `Machine.explaining`, of whichever machine it was.
    func explaining<T>(_ body: () throws -> T) throws -> T {
        try first.machine.explaining {
            guard let second else { return try body() }
            return try second.testbed.machine.explaining(body)
        }
    }

    func stop() { for testbed in all { testbed.stop() } }
}
