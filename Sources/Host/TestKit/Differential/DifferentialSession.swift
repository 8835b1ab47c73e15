import ControlClient
import Foundation
import Machines

/// A bare machine and a partition of another one, both of which run the guest of Tests/Guests/differential: sequences of
/// instructions made from a seed, each summed up in one number. The numbers must be equal. Used by one thread.
public final class DifferentialSession {
    private let bare: DifferentialGuest
    private let partition: DifferentialGuest
    private let testbed: Testbed

    /// Builds the guest, boots both machines and waits until both guests take commands.
    /// - Throws: `MachineError`, `LinkError`, `ManifestRefused`.
    public init(_ workspace: Workspace, _ kind: MachineKind) throws {
        try Tool.run(workspace.root.appending(path: "Tests/Guests/build").path, [])
        let direct = Emulator.DirectKernel(
            kernel: workspace.cache.appending(path: "images/differential.elf"), initrd: nil,
            commandLine: "differential", loader: workspace.cache.appending(path: "images/direct.efi"))
        let log = workspace.cache.appending(path: "tests/differential-bare-\(kind).log")
        // Two processors, as the other machine has: with one alone QEMU takes a locked instruction for a read and a write.
        let machine: any BareMachine =
            try kind == .amd
            ? BareGuest(cores: 2, direct, counter: nil, log: log) : LoadedGuest(cores: 2, kind, direct, log: log)
        let manifest = workspace.root.appending(path: "Tests/Machines/Manifests/differential.yaml").path
        do {
            testbed = try Testbed(manifest: manifest, workspace, kind: kind, name: "differential-\(kind)")
        } catch {
            machine.stop()
            throw error
        }
        let client = try ControlClient(testbed.machine, path: testbed.socket.path)
        bare = DifferentialGuest("bare", machine) { machine.stop() }
        partition = DifferentialGuest(
            "in the partition",
            PartitionGuest(client, partition: "differential", cores: [1], counter: nil)
        ) { [testbed] in testbed.stop() }
        for guest in [bare, partition] { try guest.wait(for: "@ready", seconds: 60 * kind.slowness) }
    }

    /// A sequence that does not come to the same, and all states that both went through, those that differ marked.
    public struct Difference: Sendable, CustomStringConvertible {
        public var seed: UInt64
        public var index: UInt64
        public var states: [String]
        public var description: String { "seed \(seed), sequence \(index):\n" + states.joined(separator: "\n") }
    }

    /// Executes sequences of a seed on both.
    /// - Parameter limit: how many differences are enough.
    /// - Throws: `MachineError` when a guest says nothing any more.
    public func compare(seed: UInt64, _ indices: Range<UInt64>, limit: Int = 8) throws -> [Difference] {
        var found: [Difference] = []
        try bisect(seed, indices, blocks: [4096, 256, 16, 1], limit, &found)
        return found
    }

    private func bisect(
        _ seed: UInt64, _ indices: Range<UInt64>, blocks: [UInt64], _ limit: Int, _ found: inout [Difference]
    ) throws {
        let block = blocks[0], command = "run \(seed) \(indices.lowerBound) \(indices.count) \(block)"
        let (left, right) = try ask(command, seconds: 60 + Double(indices.count) / 50)
        let sums = (try Self.sums(left), try Self.sums(right))
        for start in stride(from: indices.lowerBound, to: indices.upperBound, by: Int(block)) {
            guard let one = sums.0[start], let other = sums.1[start] else {
                throw MachineError.declined("block \(start) of seed \(seed) was not reported")
            }
            guard one != other, found.count < limit else { continue }
            if block > 1 {
                let part = start..<min(start + block, indices.upperBound)
                try bisect(seed, part, blocks: Array(blocks.dropFirst()), limit, &found)
            } else {
                found.append(Difference(seed: seed, index: start, states: try states(seed, start)))
            }
        }
    }

    private static func sums(_ lines: [String]) throws -> [UInt64: Substring] {
        var sums: [UInt64: Substring] = [:]
        for words in lines.map({ $0.split(separator: " ") }) where words.count == 3 && words[0] == "@block" {
            if let start = UInt64(words[1]) { sums[start] = words[2] }
        }
        return sums
    }

    private func states(_ seed: UInt64, _ index: UInt64) throws -> [String] {
        let (left, right) = try ask("show \(seed) \(index)", seconds: 60)
        return Self.sideBySide(left, right)
    }

    /// Lines that both have once, others twice, marked.
    static func sideBySide(_ left: [String], _ right: [String]) -> [String] {
        (0..<max(left.count, right.count)).flatMap { at -> [String] in
            let one = at < left.count ? left[at] : "", other = at < right.count ? right[at] : ""
            return one == other ? ["  " + one] : ["- " + one, "+ " + other]
        }
    }

    /// What the instructions of `DifferenceTable` come to.
    public func decidedDifferences() throws -> [DifferenceTable.Row] {
        let (left, right) = try ask("differences", seconds: 60)
        let outcomes = [left, right].map { lines in
            lines.map { $0.split(separator: " ").map(String.init) }.filter { $0.count == 3 && $0[0] == "@case" }
        }
        guard outcomes[0].map({ $0[1] }) == outcomes[1].map({ $0[1] }) else {
            throw MachineError.declined("the guests do not execute the same cases")
        }
        return zip(outcomes[0], outcomes[1]).map { .init(name: $0[1], bare: $0[2], partition: $1[2]) }
    }

    private func ask(_ command: String, seconds: Double) throws -> (bare: [String], partition: [String]) {
        for guest in [bare, partition] { try guest.type(command) }
        let left = try bare.wait(for: "@done", seconds: seconds)
        // Of an emulator that ended itself its own words are kept.
        return (left, try testbed.machine.explaining { try partition.wait(for: "@done", seconds: seconds) })
    }

    public func stop() {
        bare.stop()
        partition.stop()
    }
}

/// One of the two guests.
private final class DifferentialGuest {
    private let name: String
    private let guest: any MeasuredGuest
    let stop: () -> Void

    init(_ name: String, _ guest: any MeasuredGuest, stop: @escaping () -> Void) {
        (self.name, self.guest, self.stop) = (name, guest, stop)
    }

    func type(_ line: String) throws { try guest.type(line: line) }

    /// The lines up to that one.
    @discardableResult
    func wait(for end: String, seconds: Double) throws -> [String] {
        let deadline = Deadline(guest.clock, after: .seconds(seconds))
        var seen: [String] = []
        while !deadline.isOver {
            for line in try guest.lines(timeout: .milliseconds(200)) {
                if line == end { return seen }
                // Of the command before.
                if line != "@ready" { seen.append(line) }
            }
        }
        throw MachineError.timeout(
            awaited: "'\(end)' \(name)", seconds: seconds, log: seen.suffix(12).joined(separator: "\n"))
    }
}
