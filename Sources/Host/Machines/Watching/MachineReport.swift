import Control
import Foundation
import ManifestFile

/// What `demo --report` writes; `Documentation/report.md` describes every field.
public struct MachineReport: Codable, Sendable {
    public static let currentSchema = 1

    public struct Hypervisor: Codable, Sendable {
        public var version: String
        public var imageBytes: UInt64
        public var memoryBytes: UInt64
        public var startMs: Double
    }
    public struct Partition: Codable, Sendable {
        public var name: String
        public var state: String
        public var cause: String
        public var cores: [Int]
        public var memoryBytes: UInt64
        public var hypervisorMemoryBytes: UInt64
        public var starts: UInt64
        public var ready: Bool
        public var kernel: String?
        public var vcpus: Int?
        public var readyMs: Double?
        public var exits: Exits?
        public var steady: Steady?
        public var latencyUs: GuestLine.Latency?
    }
    public struct Exits: Codable, Sendable {
        public var total: UInt64
        public var byReason: [String: UInt64]
    }
    public struct Steady: Codable, Sendable {
        public var activity: String
        public var seconds: Double
        public var exits: UInt64
        public var byReason: [String: UInt64]
    }

    public var schema = MachineReport.currentSchema
    public var machine: String
    public var emulated: Bool
    public var processor: String
    public var cores: Int
    public var memoryBytes: UInt64
    public var hypervisor: Hypervisor
    public var uptimeMs: Double
    public var partitions: [Partition]
    /// Why the run was not a success; empty when every partition reached ready.
    public var problems: [String]

    public init(_ watch: MachineWatch, emulator: Emulator, problems: [String] = []) {
        let info = watch.machine
        machine = info.name.string
        emulated = true
        processor = String(emulator.processor.prefix { $0 != "," })
        cores = info.cores
        memoryBytes = info.memory
        hypervisor = Hypervisor(
            version: info.version.string, imageBytes: info.imageBytes, memoryBytes: info.hypervisorMemory,
            startMs: Double(info.startMicroseconds) / 1000)
        uptimeMs = Double(info.uptimeMicroseconds) / 1000
        partitions = watch.partitions.map(Partition.init)
        self.problems = problems
        // Who starts only when asked is not waited for.
        for partition in partitions
        where !partition.ready && (partition.state, partition.cause) != ("stopped", "manifest") {
            self.problems.append("partition \(partition.name) has not reached ready (\(partition.state))")
        }
    }

    public func json() throws -> Data {
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        return try Data((jsonText(self, encoder, pretty: true) + "\n").utf8)
    }
}

extension MachineReport.Partition {
    init(_ watch: PartitionWatch) {
        let info = watch.info
        name = watch.name
        state = "\(info.state.name)"
        cause = "\(info.cause.name)"
        cores = (0..<64).filter { info.cores.contains(.init(core: $0)) }
        memoryBytes = info.memory
        hypervisorMemoryBytes = info.hypervisorMemory
        starts = info.starts
        ready = watch.isReady
        kernel = watch.kernel
        vcpus = watch.vcpus
        readyMs = watch.readyMilliseconds
        exits = watch.statistics.map { statistics in
            .init(
                total: statistics.total,
                byReason: .init(
                    uniqueKeysWithValues: ExitReason.all.map { ("\($0.name)", statistics.exits($0)) }
                        .filter { $0.1 > 0 }))
        }
        steady = watch.steady.map { window in
            .init(
                activity: window.activity, seconds: window.seconds, exits: window.exits,
                byReason: .init(uniqueKeysWithValues: window.byReason.map { ("\($0.reason.name)", $0.count) }))
        }
        latencyUs = watch.latency
    }
}
