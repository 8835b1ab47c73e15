import Control
import ControlClient
import Foundation
import Machines
import TestKit

extension Testbed {
    /// Waits for a minute of the machine's clock in which no vCPU of a partition exits. One of the guest's own timers may come in a minute or
    /// two; in five, something goes on.
    /// - Returns: the exits of the minutes before it, by reason.
    func silentMinute(of partition: String) throws -> [String] {
        var others: [String] = []
        while others.count < 5 {
            let before = try watch.client.statistics(partition), deadline = machine.deadline(seconds: 300)
            var after = before
            while after.clockMicroseconds < before.clockMicroseconds + 60_000_000 {
                guard !deadline.isOver else { throw AdversaryError("the machine's clock stands still") }
                Thread.sleep(forTimeInterval: 1)
                after = try watch.client.statistics(partition)
            }
            let exits = ExitReason.all.filter { after.exits($0) != before.exits($0) }
            if exits.isEmpty, after.vcpus.map(\.total) == before.vcpus.map(\.total) { return others }
            others.append(exits.map { "\($0.name) \(after.exits($0) - before.exits($0))" }.joined(separator: ", "))
        }
        throw AdversaryError("\(partition) exits in each of five minutes: \(others)")
    }
}
