import Control
import ControlClient
import Foundation
import Machines
import Manifest

/// An emulated machine with a hostile guest and a neighbour, reached over the management link. One thread uses it.
public final class AdversaryMachine {
    public let machine: Machine
    public let client: ControlClient
    public let hostile: ScriptedGuest
    public let neighbour: ScriptedGuest
    /// What `client` speaks over: for those who want to say something that it does not.
    let line: ByteStream
    private var watch: NeighbourWatch
    private var attacks = 0
    /// How often the manifest has started the hostile guest since a manager did.
    private var policyRestarts = 0

    /// Builds the guests, boots the machine and waits until both guests speak.
    /// - Parameters:
    ///   - kind: of the machine. All times that tests give are for QEMU.
    ///   - faults: whether the hypervisor is the one with faults to inject.
    ///   - devices: for the emulator's command line; with any, the machine has VT-d.
    ///   - files: more of them for the boot volume; `extra`: more for the emulator.
    public init(
        manifest name: String, on kind: MachineKind = .amd, faults: Bool = false, _ workspace: Workspace,
        devices: [String] = [], files: [BootVolumeImage.Image] = [], extra: [String] = []
    ) throws {
        let (manifest, disk) = try adversaryVolume(
            workspace.root.appending(path: "Tests/Machines/Manifests/\(name).yaml"), workspace,
            hypervisor: faults ? workspace.faultyHypervisor : workspace.hypervisor, files: files)
        watch = NeighbourWatch(on: kind)
        var emulator = Emulator(kind)
        emulator.cores = manifest.machineCores
        emulator.memory = manifest.machineMemory
        emulator.iommu = devices.isEmpty ? nil : .vtd
        emulator.extra = devices + extra
        machine = try Machine(emulator, volume: disk, log: workspace.cache.appending(path: "tests/\(name)-\(kind).log"))
        try machine.waitForHypervisor()
        line = try ByteStream.open(machine.link.path)
        client = ControlClient(line, to: machine)
        (hostile, neighbour) = (
            ScriptedGuest("hostile", client, on: machine), ScriptedGuest("neighbour", client, on: machine)
        )
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
    public func info(_ partition: String) throws -> PartitionInfo {
        guard let info = try client.list().first(where: { $0.name.string == partition }) else {
            throw AdversaryError("no partition \(partition)")
        }
        return info
    }

    /// How an attack ended.
    public struct Outcome {
        public var lines: [String]
        /// The guest reported the end of the attack itself.
        public var isDone: Bool
        public var info: PartitionInfo
        public var wasRestarted: Bool

        /// What the guest says that it has seen, by attempt, in its order.
        var reports: [(name: String, seen: Observation)] {
            lines.compactMap { line in
                let words = line.split(separator: " ")
                guard words.count == 3, words[0] == "@attempt", words[2].hasPrefix("seen=") else { return nil }
                return (String(words[1]), Observation(words[2].dropFirst(5)))
            }
        }
        public var text: String { lines.suffix(40).joined(separator: "\n") }
    }

    /// Has the hostile guest make an attack, and waits until it reports the end, is started anew or stopped, or `seconds`
    /// have passed.
    /// - Parameter slowness: how many times longer than on QEMU it may take; without it, as on this machine.
    public func attack(_ attack: String, seconds: Double, slowness: Double? = nil) throws -> Outcome {
        let before = try info("hostile")
        let first = hostile.lines.count
        // Its last word is this attack's own: a line that a guest before it was sent may still be answered.
        attacks += 1
        let last = "end-\(attacks)"
        hostile.type(line: "\(attack),\(last)")
        let deadline = Deadline(machine.clock, after: .seconds(seconds * (slowness ?? self.slowness)))
        var isDone = false, now = before
        while !deadline.isOver {
            try hostile.exchange()
            now = try info("hostile")
            isDone = isOver(last, from: first)
            if isDone || now.starts != before.starts || now.state == .stopped || now.state == .crashed { break }
            Thread.sleep(forTimeInterval: 0.02)
        }
        if now.starts != before.starts {
            try hostile.wait(for: "@hostile start", from: first, seconds: 30)
            try hostile.wait(for: "@ready", from: first, seconds: 30)
            now = try info("hostile")
            policyRestarts += 1
        }
        try hostile.exchange()
        return Outcome(
            lines: Array(hostile.lines[first...]), isDone: isDone, info: now, wasRestarted: now.starts != before.starts)
    }

    /// Whether the guest has come to the end of the list whose last word this was.
    private func isOver(_ last: String, from start: Int) -> Bool {
        guard let end = hostile.lines[start...].firstIndex(of: "@unknown \(last)") else { return false }
        return hostile.lines[end...].contains { $0.hasPrefix("@done ") }
    }

    /// Waits until a partition is in this state.
    public func wait(for state: PartitionState, _ partition: String) throws {
        let deadline = machine.deadline(seconds: 10)
        while try info(partition).state != state {
            guard !deadline.isOver else {
                throw AdversaryError("\(partition) is \(try info(partition).state.name), not \(state.name)")
            }
            Thread.sleep(forTimeInterval: 0.02)
        }
    }

    /// Keeps the next restart from being a late one: after three starts in a row by the manifest, each further one waits
    /// longer, up to 6.4 s (`RestartDelay`), and a manager's begins anew. The waits are for `Storms` to show.
    func renewHostile() throws {
        if policyRestarts >= 3 { try restartHostile() }
    }

    /// Has the manager start the hostile guest anew and waits until it takes orders.
    public func restartHostile() throws {
        policyRestarts = 0
        let deadline = machine.deadline(seconds: 60)
        var starts: UInt64
        while true {
            starts = try info("hostile").starts
            do {
                try client.change(.restart, "hostile")
                break
            } catch {
                // It may be starting anew by itself just now.
                guard case .refused(.busy, _, _) = error, !deadline.isOver else { throw error }
                Thread.sleep(forTimeInterval: 0.05)
            }
        }
        while try info("hostile").starts == starts, !deadline.isOver {
            Thread.sleep(forTimeInterval: 0.02)
        }
        while !deadline.isOver {
            if try attack("nothing", seconds: 3).isDone { return }
        }
        throw AdversaryError("hostile does not come back:\n\(hostile.lines.suffix(20).joined(separator: "\n"))")
    }

    /// Everything that the neighbour has noticed since the last time; empty when that is nothing but its own ticks.
    public func neighbourProblems() throws -> [String] {
        guard let report = try? neighbourReport() else { return ["report: the neighbour does not answer"] }
        var problems = watch.problems(report, try client.statistics("neighbour"))
        let info = try info("neighbour")
        if info.state != .running || info.starts != 1 { problems.append("it is \(info.state), start \(info.starts)") }
        if neighbour.lines.filter({ $0.hasPrefix("@neighbour start") }).count != 1 { problems.append("it began anew") }
        return problems
    }

    /// What the neighbour says of itself when it is asked.
    func neighbourReport() throws -> GuestReport {
        let first = neighbour.lines.count
        // The neighbour looks at its console ten times a second and takes one byte each time.
        neighbour.type("r")
        return GuestReport(try neighbour.wait(for: "@neighbour ticks=", from: first, seconds: 30))
    }

    /// Ticks that the neighbour has missed since it started.
    public var missedTicks: UInt64 { watch.missed }
    /// Faults of the hypervisor itself that its console has told of.
    public var hypervisorFaults: Int {
        machine.console.lines.count { $0.contains("fault in the hypervisor") }
    }
}

public struct AdversaryError: Error, CustomStringConvertible {
    public var description: String
    public init(_ description: String) { self.description = description }
}
