import ArgumentParser
import Control
import ControlClient
import Foundation

struct PsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ps", abstract: "List the partitions of a running machine.")

    @OptionGroup var machine: MachineOptions
    @Flag(help: "Print JSON.") var json = false

    func run() throws {
        try Manage.run {
            let client = try machine.connect()
            let hello = try client.hello()
            let partitions = try client.list()
            print(json ? try MachineListing(hello, partitions).json : Self.text(hello, partitions))
        }
    }

    static func text(_ machine: MachineInfo, _ partitions: [PartitionInfo]) -> String {
        var table = TextTable(
            ["NAME", "STATE", "CORES", "MEMORY", "UPTIME", "STARTS", "OVERHEAD", "CAUSE", "IMAGE"],
            numbers: [3, 4, 5, 6])
        for partition in partitions {
            table.add([
                Manage.printable(partition.name.string), "\(partition.state.name)",
                Show.cores(partition.cores.rawValue), Show.bytes(partition.memory),
                partition.state == .running || partition.state == .paused
                    ? Show.time(partition.uptimeMicroseconds) : "-",
                "\(partition.starts)", Show.bytes(partition.hypervisorMemory), "\(partition.cause.name)",
                Manage.printable(partition.image.string),
            ])
        }
        let head =
            "\(Manage.printable(machine.name.string)): \(machine.cores) cores, \(Show.bytes(machine.memory)); Bulkhead "
            + "\(Manage.printable(machine.version.string)), \(Show.bytes(machine.imageBytes)) program, "
            + "\(Show.bytes(machine.hypervisorMemory)) in all, up \(Show.time(machine.uptimeMicroseconds))"
        return ([head, ""] + table.lines).joined(separator: "\n")
    }
}

/// What `ps --json` prints; documented in Documentation/management.md.
struct MachineListing: Encodable {
    struct Partition: Encodable {
        var name, state, cause, image: String
        var cores: [Int]
        var memoryBytes, starts, uptimeUs, hypervisorMemoryBytes: UInt64
        var permits: [String]
    }

    var name, version: String
    var cores: Int
    var memoryBytes, imageBytes, hypervisorMemoryBytes, startUs, uptimeUs, damagedFrames: UInt64
    var partitions: [Partition]

    init(_ machine: MachineInfo, _ list: [PartitionInfo]) {
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
                name: info.name.string, state: "\(info.state.name)", cause: "\(info.cause.name)",
                image: info.image.string, cores: (0..<64).filter { info.cores.rawValue >> UInt64($0) & 1 != 0 },
                memoryBytes: info.memory, starts: info.starts, uptimeUs: info.uptimeMicroseconds,
                hypervisorMemoryBytes: info.hypervisorMemory, permits: Self.permits(info))
        }
    }

    private static func permits(_ info: PartitionInfo) -> [String] {
        ControlOperation.all.filter {
            let permission = $0.description.permission
            return !permission.isEmpty && info.permits.contains(permission)
        }.map(\.name)
    }

    var json: String { get throws { try Self.encode(self) } }

    static func encode(_ value: some Encodable, pretty: Bool = true) throws -> String {
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.outputFormatting = pretty ? [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes] : [.sortedKeys]
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }
}
