import Foundation
import Machines

/// A demo without a screen: waits until every guest is ready, measures silent windows, prints what it sees.
struct DemoUnattended {
    private let demo: Testbed
    private let seconds: Int
    /// Seconds of one silent window; the first and the last are not counted.
    static let window = 12

    init(_ demo: Testbed, seconds: Int) {
        self.demo = demo
        self.seconds = seconds
    }

    /// Returns after `seconds` from power-on, or later by as much as a window that has begun.
    func run() throws {
        let watch = demo.watch
        var announced: Set<String> = []
        var measured: Set<String> = []
        while demo.machine.isRunning {
            // A pipe or a file gets it as it happens too.
            fflush(nil)
            try watch.refresh()
            for partition in watch.partitions {
                if partition.isReady, announced.insert(partition.name).inserted {
                    let time = partition.readyMilliseconds.map { String(format: "%.0f ms", $0) } ?? "?"
                    let kernel = partition.kernel.map { ", kernel \($0)" } ?? ""
                    print("\(partition.name): ready after \(time)\(kernel)")
                }
                if partition.steady != nil, !partition.isMeasuring, measured.insert(partition.name).inserted {
                    print(Self.summary(partition))
                }
            }
            let left = Double(seconds) - demo.machine.uptime
            let measuring = watch.partitions.contains { $0.isMeasuring }
            if left <= 0 && !measuring { break }
            // A window that a guest never begins or ends must not keep us here for ever.
            if left < -Double(2 * Self.window) * demo.emulator.kind.slowness { break }
            // A guest's second may take many of ours.
            let room = left / demo.emulator.kind.slowness
            if room > 3, watch.partitions.allSatisfy({ $0.isReady }) {
                let length = min(Self.window, max(Int(room), 3))
                for partition in watch.partitions where partition.steady == nil { partition.measure(seconds: length) }
            }
            Thread.sleep(forTimeInterval: 0.25)
        }
        try demo.machine.requireRunning()
    }

    private static func summary(_ partition: PartitionWatch) -> String {
        guard let steady = partition.steady else { return "" }
        let time = String(format: "%.1f s", steady.seconds)
        var text = "\(partition.name): \(steady.activity), \(time), \(steady.exits) exits"
        if !steady.byReason.isEmpty {
            text += " (" + steady.byReason.map { "\($0.reason.name) \($0.count)" }.joined(separator: ", ") + ")"
        }
        if let latency = partition.latency { text += "; wake-up latency avg \(latency.avg) us, max \(latency.max) us" }
        return text
    }
}
