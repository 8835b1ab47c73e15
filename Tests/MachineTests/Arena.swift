import Control
import Foundation
import Link
import Machines
import Manifest

/// An emulated machine with a hostile guest and a neighbour, reached over the management link. One thread uses it.
final class Arena {
    let machine: Machine
    let client: ControlClient
    let hostile: Guest
    let neighbour: Guest
    private var lastTicks: UInt64 = 0

    /// Builds the guests, boots the machine and waits until both guests speak.
    /// - Parameters:
    ///   - kind: of the machine. All times that tests give are for QEMU.
    ///   - faults: whether the hypervisor is the one with faults to inject.
    init(manifest name: String, on kind: MachineKind = .amd, faults: Bool = false) throws {
        let folder = URL(filePath: #filePath).deletingLastPathComponent()
        let workspace = Workspace(root: folder.deletingLastPathComponent().deletingLastPathComponent())
        let (manifest, disk) = try containmentVolume(
            folder.appending(path: "Manifests/\(name).yaml"), workspace,
            hypervisor: faults ? workspace.faultyHypervisor : workspace.hypervisor)
        var emulator = Emulator(kind)
        emulator.cores = manifest.machineCores
        emulator.memory = manifest.machineMemory
        machine = try Machine(emulator, volume: disk, log: workspace.cache.appending(path: "tests/\(name)-\(kind).log"))
        try machine.waitForHypervisor()
        client = try ControlClient(path: machine.link.path, on: kind)
        (hostile, neighbour) = (Guest("hostile", client, on: kind), Guest("neighbour", client, on: kind))
        do {
            try machine.explaining {
                _ = try client.waitUntilUp(.seconds(90 * kind.slowness))
                try neighbour.wait(for: "@neighbour start", seconds: 60)
                try hostile.wait(for: "@ready", seconds: 60)
            }
        } catch {
            machine.stop()
            throw error
        }
    }

    private var slowness: Double { machine.emulator.kind.slowness }

    /// What the management link says of a partition.
    func info(_ partition: String) throws -> PartitionInfo {
        guard let info = try client.list().first(where: { $0.name.string == partition }) else {
            throw ArenaError("no partition \(partition)")
        }
        return info
    }

    /// How an attack ended.
    struct Outcome {
        var lines: [String]
        /// The guest reported the end of the attack itself.
        var isDone: Bool
        var info: PartitionInfo
        var wasRestarted: Bool

        var attempts: [String] { lines.filter { $0.hasPrefix("@attempt ") } }
        var escaped: [String] { lines.filter { $0.hasPrefix("@attempt ") && !$0.hasSuffix("verdict=held") } }
        var text: String { lines.suffix(40).joined(separator: "\n") }
    }

    /// Has the hostile guest make an attack, and waits until it reports the end, is started anew or stopped, or `seconds`
    /// have passed.
    func attack(_ attack: String, seconds: Double) throws -> Outcome {
        let before = try info("hostile")
        let first = hostile.lines.count
        hostile.type(line: attack)
        let deadline = ContinuousClock.now + .seconds(seconds * slowness)
        var isDone = false, now = before
        while ContinuousClock.now < deadline {
            try hostile.exchange()
            now = try info("hostile")
            isDone = hostile.lines[first...].contains { $0.hasPrefix("@done ") }
            if isDone || now.starts != before.starts || now.state == .stopped || now.state == .crashed { break }
            Thread.sleep(forTimeInterval: 0.02)
        }
        if now.starts != before.starts {
            try hostile.wait(for: "@hostile start", from: first, seconds: 30)
            try hostile.wait(for: "@ready", from: first, seconds: 30)
            now = try info("hostile")
        }
        try hostile.exchange()
        return Outcome(
            lines: Array(hostile.lines[first...]), isDone: isDone, info: now, wasRestarted: now.starts != before.starts)
    }

    /// Waits until a partition is in this state.
    func wait(for state: PartitionState, _ partition: String) throws {
        let deadline = ContinuousClock.now + .seconds(10 * slowness)
        while try info(partition).state != state {
            guard ContinuousClock.now < deadline else {
                throw ArenaError("\(partition) is \(try info(partition).state.name), not \(state.name)")
            }
            Thread.sleep(forTimeInterval: 0.02)
        }
    }

    /// Has the manager start the hostile guest anew and waits until it is ready.
    func restartHostile() throws {
        let first = hostile.lines.count
        let deadline = ContinuousClock.now + .seconds(10 * slowness)
        while true {
            do {
                try client.change(.restart, "hostile")
                break
            } catch {
                // It may be starting anew by itself just now.
                guard case .refused(.busy, _, _) = error, ContinuousClock.now < deadline else { throw error }
                Thread.sleep(forTimeInterval: 0.05)
            }
        }
        try hostile.wait(for: "@ready", from: first, seconds: 30)
    }

    /// Everything that is wrong with the neighbour; empty when it has noticed nothing. It has ticked since the last time.
    func neighbourProblems() throws -> [String] {
        let first = neighbour.lines.count
        // The neighbour looks at its console ten times a second and takes one byte each time.
        neighbour.type("r")
        let line = try neighbour.wait(for: "@neighbour ticks=", from: first, seconds: 30)
        var values: [Substring: Substring] = [:]
        for word in line.split(separator: " ") {
            let parts = word.split(separator: "=", maxSplits: 1)
            if parts.count == 2 { values[parts[0]] = parts[1] }
        }
        var problems: [String] = []
        for name in ["missed", "unexpected", "silent", "spurious"] where values[Substring(name)] != "0" {
            problems.append("\(name) is \(values[Substring(name)] ?? "absent")")
        }
        for name in ["checksum", "registers"] where values[Substring(name)] != "ok" {
            problems.append("\(name) is \(values[Substring(name)] ?? "absent")")
        }
        let ticks = values["ticks"].flatMap { UInt64($0) } ?? 0
        if ticks <= lastTicks { problems.append("it has not ticked: \(lastTicks), then \(ticks)") }
        lastTicks = ticks
        let info = try info("neighbour")
        if info.state != .running || info.starts != 1 { problems.append("it is \(info.state), start \(info.starts)") }
        if neighbour.lines.filter({ $0.hasPrefix("@neighbour start") }).count != 1 { problems.append("it began anew") }
        if !problems.isEmpty { problems += neighbour.lines[first...] }
        return problems
    }
}

struct ArenaError: Error, CustomStringConvertible {
    var description: String
    init(_ description: String) { self.description = description }
}
