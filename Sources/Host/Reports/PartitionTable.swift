import Control
import ControlClient
import ManifestRules
import Text

/// What `ps` prints: the machine, and one row for each partition.
public struct PartitionTable {
    public let text: String

    public init(_ machine: MachineInfo, _ partitions: [PartitionInfo]) {
        var table = TextTable(
            ["NAME", "STATE", "CORES", "MEMORY", "UPTIME", "STARTS", "OVERHEAD", "KEY", "CAUSE", "IMAGE"],
            numbers: [3, 4, 5, 6])
        for partition in partitions {
            let wait = partition.startsInMicroseconds
            let hasGuest = partition.state == .running || partition.state == .paused
            table.add([
                printable(partition.name.string),
                partition.state.name + (wait > 0 ? " in \(Quantity.time(wait))" : ""),
                Quantity.cores(partition.cores.rawValue),
                Quantity.bytes(partition.memory), hasGuest ? Quantity.time(partition.uptimeMicroseconds) : "-",
                "\(partition.starts)", Quantity.bytes(partition.hypervisorMemory), partition.encryption.name,
                partition.cause.name,
                printable(partition.image.string),
            ])
        }
        let head =
            "\(printable(machine.name.string)): \(machine.cores) cores, \(Quantity.bytes(machine.memory)); Bulkhead "
            + "\(printable(machine.version.string)), \(Quantity.bytes(machine.imageBytes)) program, "
            + "\(Quantity.bytes(machine.hypervisorMemory)) in all, up \(Quantity.time(machine.uptimeMicroseconds))"
        text = ([head, ""] + table.lines).joined(separator: "\n")
    }
}

extension MemoryEncryption {
    /// Whose key encrypts a partition's memory.
    var name: String {
        switch self {
        case .none: "none"
        case .machineKey: "machine"
        case .ownKey: "own"
        }
    }
}
