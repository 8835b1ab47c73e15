import Control
import ControlClient
import Manifest
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

    struct Trust: Encodable {
        var secureBoot, tpm, ownerKey: Bool
    }

    var name, version: String
    var trust: Trust
    var cores: Int
    var memoryBytes, imageBytes, hypervisorMemoryBytes, startUs, uptimeUs, damagedFrames: UInt64
    var partitions: [Partition]
    /// Of partitions that permit statistics; absent where there are none.
    var channels: [ChannelCount]?

    public init(_ machine: MachineInfo, _ list: [PartitionInfo], _ channels: [ChannelCount] = []) {
        self.channels = channels.isEmpty ? nil : channels
        name = machine.name.string
        version = machine.version.string
        cores = machine.cores
        memoryBytes = machine.memory
        imageBytes = machine.imageBytes
        hypervisorMemoryBytes = machine.hypervisorMemory
        startUs = machine.startMicroseconds
        uptimeUs = machine.uptimeMicroseconds
        damagedFrames = machine.damagedFrames
        trust = Trust(
            secureBoot: machine.trust.contains(.secureBoot), tpm: machine.trust.contains(.tpm),
            ownerKey: machine.trust.contains(.ownerKey))
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
