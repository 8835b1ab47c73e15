import Control
import ControlClient
import Foundation
import Inventory
import Machines
import Manifest
import Reports
import TestKit
import Text
import X86

/// One run: the measured guest alone, then beside its neighbour's storm.
struct MeasureSession {
    let client: ControlClient
    let seconds: Int
    let isEmulated: Bool
    private let progress: (String) -> Void
    /// What the machine has booted, where that is known.
    var manifest: Manifest?
    /// What is said of the machine.
    var about: String?

    init(_ client: ControlClient, seconds: Int, isEmulated: Bool, progress: @escaping (String) -> Void) {
        (self.client, self.seconds, self.isEmulated, self.progress) = (client, seconds, isEmulated, progress)
    }

    /// - Throws: `LinkError`, `MachineError`, `BenchError` where the machine's manifest is not one for it.
    func run(_ label: String) throws -> MeasureReport.Run {
        let list = try client.list(), machine = try client.hello()
        func partition(_ name: String) throws -> PartitionInfo {
            guard let found = list.first(where: { $0.name.string == name }) else {
                throw BenchError(
                    "there is no partition \"\(name)\": boot Examples/measure.yaml, with this machine's cores")
            }
            let needed: ControlOperations = .consoleRead.union(.consoleWrite).union(.statistics).union(.selfCheck)
            guard found.permits.contains(needed) else {
                throw BenchError(
                    "partition \"\(name)\" must permit console-read, console-write, statistics and self-check")
            }
            return found
        }
        let measuredInfo = try partition("measured"), pairInfo = try partition("pair")
        let measured = PartitionGuest(client, partition: "measured", cores: [], counter: nil)
        let pair = PartitionGuest(client, partition: "pair", cores: [], counter: nil)
        let partitions = try [measuredInfo, pairInfo].map { info in
            MeasureReport.Partition(info, demands: try demands(info))
        }
        let inventory = try Inventory(client)
        var run = MeasureReport.Run(
            label: label, isEmulated: isEmulated, seconds: seconds, version: machine.version.string,
            processor: inventory.processor, about: about, housekeepingDemands: manifest?.housekeepingResources.yaml,
            partitions: partitions, allocation: inventory.allocation)
        run.isHeld = try ["measured", "pair"].allSatisfy { name in
            try client.selfCheck(name).vcpus.allSatisfy { $0 != 0 && ProtectionReport(word: $0).failed == 0 }
        }
        try quiet(pair)
        try quiet(measured)
        run.alone = try window(measured, "alone")
        progress("alone: measured; now beside a storm")
        try pair.run("storm")
        Thread.sleep(forTimeInterval: 2)
        run.beside = try window(measured, "beside a storm")
        try pair.type(line: "run idle")
        return run
    }

    /// What the manifest asks for a partition; nil without one.
    private func demands(_ info: PartitionInfo) throws -> [String]? {
        guard let manifest else { return nil }
        guard let spec = manifest.partitionList.first(where: { $0.name.string == info.name.string }),
            spec.cores.rawValue == info.cores.rawValue, spec.memorySize == info.memory
        else {
            throw BenchError("the manifest is not the machine's: its partition \"\(info.name.string)\" is another")
        }
        return spec.resources.yaml
    }

    /// A guest that does nothing: one may have begun with something, or not have begun at all.
    private func quiet(_ guest: PartitionGuest) throws { _ = try guest.measure("idle", seconds: 4) }

    private func window(_ guest: PartitionGuest, _ place: String) throws -> MeasureReport.Window {
        let names = ["measured", "pair"], before = try names.map { try client.statistics($0) }
        // Counters of 24 bits begin again within seconds.
        var traffic = before.map { MemoryTraffic(since: $0) }, next = ContinuousClock.now
        func read() throws -> [PartitionStatistics] {
            let now = try names.map { try client.statistics($0) }
            for index in names.indices { traffic[index].add(now[index]) }
            return now
        }
        guest.whileWaiting = {
            guard ContinuousClock.now >= next else { return }
            next = .now + .milliseconds(250)
            _ = try read()
        }
        defer { guest.whileWaiting = {} }
        let window = try guest.measure("histogram", seconds: seconds)
        guard let latency = window.latency, let histogram = window.histogram else {
            throw BenchError("the guest has measured no latencies \(place)")
        }
        let after = try read()
        return MeasureReport.Window(
            min: latency.min, median: histogram.quantile(0.5) ?? 0, rare: histogram.quantile(0.99999) ?? 0,
            max: latency.max, samples: latency.samples, histogram: histogram,
            counted: names.indices.map { MeasureReport.Counted(names[$0], before[$0], after[$0], traffic[$0]) })
    }
}

extension MeasureReport.Partition {
    fileprivate init(_ info: PartitionInfo, demands: [String]?) {
        self.init(
            name: info.name.string, cores: (0..<64).filter { info.cores.rawValue >> UInt64($0) & 1 != 0 },
            memoryKey: ["none", "machine", "own"][Int(info.encryption.rawValue)], demands: demands)
    }
}

extension MeasureReport.Counted {
    fileprivate init(
        _ name: String, _ before: PartitionStatistics, _ after: PartitionStatistics, _ traffic: MemoryTraffic
    ) {
        self.init(
            partition: name, exits: after.total &- before.total, cacheBytes: after.traffic?.occupancy,
            memoryBytes: traffic.total)
    }
}
