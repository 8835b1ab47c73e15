import Foundation
import Inventory
import Machines
import ManifestFile
import ManifestRules
import Reports

/// Runs of one machine, side by side: a file of JSON that can be added to and sent in.
struct MeasureReport: Codable {
    struct Partition: Codable {
        var name: String
        var cores: [Int]
        /// `none`, `machine`, `own`: whose key encrypts its memory.
        var memoryKey: String
        /// What its manifest asks for, a line each: `cache: {l3: 40%}`. nil where the manifest is not known.
        var demands: [String]?
    }

    /// What was counted of one partition within a window.
    struct Counted: Codable {
        var partition: String
        var exits: UInt64
        /// At the end of the window, bytes in the last-level cache; within it, bytes moved to and from memory. nil: not counted.
        var cacheBytes: UInt64?
        var memoryBytes: UInt64?
    }

    /// Microseconds from when a wake-up was due.
    struct Window: Codable {
        var min: Int
        var median: Int
        /// Of 100,000 one was later.
        var rare: Int
        var max: Int
        var samples: Int
        var histogram: LatencyHistogram
        var counted: [Counted]
    }

    struct Run: Codable {
        var label: String
        var isEmulated: Bool
        var seconds: Int
        var version: String
        /// Of the machine's processor, as it names itself.
        var processor: String?
        /// What whoever measured has said of the machine: firmware's version, microcode.
        var about: String?
        /// What the manifest asks for housekeeping.
        var housekeepingDemands: [String]?
        var partitions: [Partition]
        var allocation: Inventory.Allocation?
        /// Whether each core held what was written to it: masks, limits, class among it.
        var isHeld = false
        var alone: Window?
        var beside: Window?
    }

    var runs: [Run] = []

    init() {}

    /// - Parameter path: of a report; one that is not there yet is empty.
    init(addingTo path: String) throws {
        guard FileManager.default.fileExists(atPath: path) else { return }
        do { self = try JSONDecoder().decode(Self.self, from: Data(contentsOf: URL(filePath: path))) } catch {
            throw BenchError("\(path) is not a report of bulkhead measure: nothing is added to it")
        }
    }

    func json() throws -> String { try ManifestFile.jsonText(self) }
    func write(to path: String) throws { try SafeFile.write(Data(json().utf8), to: path) }

    var text: String {
        var table = TextTable(
            ["RUN", "NEIGHBOUR", "MIN", "MEDIAN", "99.999 %", "MAX", "SAMPLES", "EXITS", "IN CACHE", "MEMORY"],
            numbers: Set(2...9))
        for run in runs {
            for (place, window) in [("idle", run.alone), ("storm", run.beside)] {
                guard let window else { continue }
                let own = window.counted.first
                table.add(
                    [run.label, place]
                        + [window.min, window.median, window.rare, window.max, window.samples].map(String.init)
                        + ["\(own?.exits ?? 0)"] + [own?.cacheBytes, own?.memoryBytes].map { $0.map(sizeText) ?? "-" })
            }
        }
        var lines = ["Latency of wake-ups in partition \"measured\", microseconds", ""] + table.lines + [""]
        for run in runs {
            let keys = run.partitions.map { "\($0.name): \($0.memoryKey)" }.joined(separator: ", ")
            let held =
                run.isHeld ? "every core holds what was written to it" : "a core does not hold what was written to it"
            lines.append("\(run.label): memory keys: \(keys); \(held)")
            let machine = [run.processor, run.about].compactMap { $0 }.joined(separator: "; ")
            lines.append("    \(machine.isEmpty ? "an unknown processor" : machine); Bulkhead \(run.version)")
            let asking = run.partitions.map { ($0.name, $0.demands) } + [("housekeeping", run.housekeepingDemands)]
            for (name, demands) in asking {
                guard let demands else { continue }
                lines.append("    \(name): \(demands.isEmpty ? "asks for nothing" : demands.joined(separator: ", "))")
            }
        }
        if runs.contains(where: \.isEmulated) {
            lines.append(
                "An emulated machine has no caches and no cycles: its latencies are this host's, and masks and keys change nothing "
                    + "there. These numbers mean nothing but that the way to them works.")
        }
        return printable(lines.joined(separator: "\n"), lines: true)
    }
}
