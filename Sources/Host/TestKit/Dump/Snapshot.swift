import Foundation
import Machines

/// A machine as it was at one moment, seen from outside.
public struct Snapshot {
    /// From address 0 on; with a hole below 4 GiB, what is above is not in it.
    public let memory: PhysicalMemory
    /// The 4 MiB of firmware below 4 GiB, its variables included.
    public let firmware: PhysicalMemory
    /// By core.
    public let registers: [ProcessorRegisters]
    /// The machine's IOMMUs, as the ownership knows them.
    public let units: [IOMMURegisters]

    /// Stops the machine, saves what it consists of and lets it go on.
    /// - Parameter name: what the files are called in the checkout's `.cache`, while they are written.
    /// - Throws: `MachineError.impossible` when the machine has 2 GiB of memory or more, what `MachineProtocol` throws.
    public init(_ machine: Machine, _ workspace: Workspace, name: String) throws {
        guard machine.emulator.memory <= 2 << 30 else {
            throw MachineError.impossible("snapshots are of machines with 2 GiB of memory at most")
        }
        let monitor = try MachineProtocol(machine)
        try monitor.stop()
        defer { try? monitor.resume() }
        memory = try Self.save(0..<machine.emulator.memory, monitor, workspace, "\(name).memory")
        firmware = try Self.save(0xFFC0_0000..<0x1_0000_0000, monitor, workspace, "\(name).firmware")
        registers = try ProcessorRegisters.all(monitor)
        let ownership = try? OwnershipReader(memory, partitions: [])
        units = try (ownership?.of(.remappingUnit) ?? []).map { try IOMMURegisters($0, monitor) }
    }

    /// The file's pages stay as long as they are mapped.
    private static func save(
        _ range: Range<UInt64>, _ monitor: MachineProtocol, _ workspace: Workspace, _ name: String
    ) throws -> PhysicalMemory {
        let file = workspace.cache.appending(path: "tests/\(name)")
        try FileManager.default.createDirectory(
            at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: file) }
        try monitor.save(range, to: file)
        return try PhysicalMemory(file)
    }

    /// Where any 8 bytes of a secret lie that begin at a multiple of 8 in it, at any alignment: no copy of 15 bytes or more
    /// escapes. Places in memory, firmware and registers, in words.
    /// - Parameter ownership: names the owners of the memory.
    public func copies(of secret: [UInt8], _ ownership: OwnershipReader? = nil) -> [String] {
        var places: [String] = []
        for part in stride(from: 0, to: secret.count - 7, by: 8) {
            let word = Array(secret[part..<part + 8])
            let bytes = "bytes \(part)...\(part + 7)"
            for at in memory.find(word) {
                let entry = ownership?.entry(at: at).entry
                let owner = entry.map { " (\(ownership?.name($0) ?? "") + \(hexadecimal(at - $0.range.lowerBound)))" }
                places.append("\(bytes) at \(hexadecimal(at))\(owner ?? "")")
            }
            places += firmware.find(word).map { "\(bytes) at \(hexadecimal(0xFFC0_0000 + $0)), in the firmware" }
            // Registers are shown as numbers, most significant digit first.
            let digits = word.reversed().map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
            for (core, registers) in registers.enumerated() where registers.text.lowercased().contains(digits) {
                places.append("\(bytes) in a register of core \(core)")
            }
        }
        return places
    }
}
