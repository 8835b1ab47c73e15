import Foundation
import Testing

extension BootedMachine {
    /// For 10 s in which device guests receive a stream: every interrupt of their network cards reaches them, and nothing
    /// that they or the others do exits, whatever the reason. Nobody holds a console open, so that none is polled.
    func expectStreams(in receivers: [String], withoutExitsOf partitions: [String]) throws {
        for receiver in receivers { try guest(receiver).wait(for: "@bulkhead phase name=stream ", seconds: 120) }
        // What was said has gone out by now.
        Thread.sleep(forTimeInterval: 1)
        let before = try partitions.map { try client.statistics($0).vcpus }
        Thread.sleep(forTimeInterval: 10)
        let after = try partitions.map { try client.statistics($0).vcpus }
        for (index, partition) in partitions.enumerated() {
            #expect(after[index].map(\.total) == before[index].map(\.total), "\(partition): \(before) \(after)")
        }
        let end = "@bulkhead phase-end name=stream "
        for guest in receivers.map(guest) {
            try guest.exchange()
            #expect(!guest.lines.contains { $0.hasPrefix(end) }, "\(guest.name)'s stream ended inside the window")
        }
        for receiver in receivers {
            let guest = guest(receiver)
            let line = try guest.wait(for: end, seconds: 60)
            let numbers = line.split(separator: " ").compactMap { $0.split(separator: "=").last.flatMap { Int($0) } }
            #expect(numbers.count == 2 && numbers[0] > 100 && numbers[1] > 1 << 20, "\(line)")
            print("\(receiver):", line.dropFirst(end.count))
        }
    }
}
