import ControlClient
import Foundation
import Machines

/// The plugin that counts instructions and exits in an emulated machine (`Tools/Counter/README.md`).
public final class Counter {
    /// One reason's exits, and the instructions in root mode that they took.
    public struct Exits: Codable, Sendable, Equatable {
        public var count: UInt64
        public var median: UInt64
        public var max: UInt64
        public var total: UInt64
        /// Of those that took 65,536 instructions or more: how many they are, and their instructions. Nil in a report that has neither.
        public var longCount: UInt64?
        public var longTotal: UInt64?
    }

    /// What some cores did in a phase.
    public struct Count: Codable, Sendable, Equatable {
        /// All that they executed.
        public var instructions: UInt64
        /// Those of them that a guest executed.
        public var guestInstructions: UInt64
        /// Those of the guest's that Bulkhead's device model executed.
        public var modelInstructions: UInt64
        public var exits: [String: Exits]

        public init(
            instructions: UInt64 = 0, guestInstructions: UInt64 = 0, modelInstructions: UInt64 = 0,
            exits: [String: Exits] = [:]
        ) {
            (self.instructions, self.guestInstructions, self.exits) = (instructions, guestInstructions, exits)
            self.modelInstructions = modelInstructions
        }

        /// Those that no guest executed.
        public var rootInstructions: UInt64 { instructions - min(instructions, guestInstructions) }
        /// Of exits that took 65,536 or more.
        public var longInstructions: UInt64 { exits.values.reduce(0) { $0 + ($1.longTotal ?? 0) } }
        public var longExitCount: UInt64 { exits.values.reduce(0) { $0 + ($1.longCount ?? 0) } }
        public var exitCount: UInt64 { exits.values.reduce(0) { $0 + $1.count } }

        /// Of two medians that of the more frequent stands, as neither report has what both would need.
        static func + (a: Count, b: Count) -> Count {
            let exits = a.exits.merging(b.exits) { one, other in
                Exits(
                    count: one.count + other.count, median: one.count < other.count ? other.median : one.median,
                    max: Swift.max(one.max, other.max), total: one.total + other.total,
                    longCount: (one.longCount ?? 0) + (other.longCount ?? 0),
                    longTotal: (one.longTotal ?? 0) + (other.longTotal ?? 0))
            }
            return Count(
                instructions: a.instructions + b.instructions,
                guestInstructions: a.guestInstructions + b.guestInstructions,
                modelInstructions: a.modelInstructions + b.modelInstructions, exits: exits)
        }
    }

    struct Report: Decodable {
        struct Phase: Decodable {
            var phase: Int
            var vcpus: [Count]
        }
        var unreadable: Int
        var phases: [Phase]

        func sum(_ phases: [Phase], cores: [Int]) -> Count {
            phases.flatMap { phase in cores.map { $0 < phase.vcpus.count ? phase.vcpus[$0] : Count() } }
                .reduce(Count(), +)
        }
    }

    /// What a guest's `MARK` begins a silent window with.
    static let windowPhase = 1

    private let plugin: URL
    private let socket: URL

    /// - Throws: `MachineError.missing` when the plugin has not been built.
    public init(_ workspace: Workspace) throws {
        plugin = workspace.cache.appending(path: "counter.so")
        guard FileManager.default.fileExists(atPath: plugin.path) else {
            throw MachineError.missing(file: plugin.path, hint: "Tools/Counter/build makes it")
        }
        socket = FileManager.default.temporaryDirectory.appending(
            path: "bulkhead-counter-\(UUID().uuidString.prefix(8))")
    }

    deinit { try? FileManager.default.removeItem(at: socket) }

    /// For the emulator's command line. One machine a counter.
    public var arguments: [String] { ["-plugin", "\(plugin.path),socket=\(socket.path)"] }

    /// Since the machine was switched on.
    func sinceStart(cores: [Int]) throws -> Count {
        let report = try self.report()
        return report.sum(report.phases, cores: cores)
    }

    /// The last silent window that has ended.
    func lastWindow(cores: [Int]) throws -> Count {
        let report = try self.report()
        guard let window = report.phases.last(where: { $0.phase == Self.windowPhase }) else {
            throw MachineError.declined("the counter has seen no window")
        }
        return report.sum([window], cores: cores)
    }

    private func report() throws -> Report {
        let line = try ByteStream.open(socket.path)
        try line.send(Array("report\n".utf8))
        var text: [UInt8] = []
        // The counter closes the connection behind its answer.
        while true {
            do {
                let bytes = try line.receive(timeout: .seconds(300))
                guard !bytes.isEmpty else { break }
                text += bytes
            } catch { break }
        }
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        let report = try decoder.decode(Report.self, from: Data(text))
        guard report.unreadable == 0 else {
            throw MachineError.declined("the counter could not read the reasons of \(report.unreadable) exits")
        }
        return report
    }
}
