import Control
import ControlClient
import Text

/// What `ps --json` prints; documented in Documentation/management.md.
public struct MachineListing: Encodable {
    struct Partition: Encodable {
        var name, state, cause, image: String
        var cores: [Int]
        var memoryBytes, starts, uptimeUs, startsInUs, watchdogKicks, hypervisorMemoryBytes: UInt64
        var permits: [String]
        var memoryKey: String
    }

    var name, version: String
    var cores: Int
    var memoryBytes, imageBytes, hypervisorMemoryBytes, startUs, uptimeUs, damagedFrames: UInt64
    var partitions: [Partition]

    public init(_ machine: MachineInfo, _ list: [PartitionInfo]) {
        name = machine.name.string
        version = machine.version.string
        cores = machine.cores
        memoryBytes = machine.memory
        imageBytes = machine.imageBytes
        hypervisorMemoryBytes = machine.hypervisorMemory
        startUs = machine.startMicroseconds
        uptimeUs = machine.uptimeMicroseconds
        damagedFrames = machine.damagedFrames
        partitions = list.map { info in
            Partition(
                name: info.name.string, state: info.state.name, cause: info.cause.name, image: info.image.string,
                cores: (0..<64).filter { info.cores.rawValue >> UInt64($0) & 1 != 0 }, memoryBytes: info.memory,
                starts: info.starts, uptimeUs: info.uptimeMicroseconds, startsInUs: info.startsInMicroseconds,
                watchdogKicks: info.kicks,
                hypervisorMemoryBytes: info.hypervisorMemory, permits: Self.permits(info),
                memoryKey: info.encryption.name)
        }
    }

    private static func permits(_ info: PartitionInfo) -> [String] {
        ControlOperation.all.filter {
            let permission = $0.description.permission
            return !permission.isEmpty && info.permits.contains(permission)
        }.map(\.name)
    }
}
