import Control
import ControlClient
import Foundation
import Machines

/// What the counter, a plugin of the emulator, has counted; `Tools/Counter/README.md` describes the fields.
public struct CounterReport: Decodable, Sendable {
    /// The exits of one reason, and the instructions in root mode that each took.
    public struct Cost: Decodable, Sendable, Equatable {
        public var count: UInt64
        public var min: UInt64
        public var median: UInt64
        public var p99: UInt64
        public var max: UInt64
        public var total: UInt64
    }
    public struct Core: Decodable, Sendable {
        public var held: UInt64
        /// Instructions of the partition's device model.
        public var model: UInt64
        public var exits: [String: Cost]

        private enum CodingKeys: String, CodingKey { case held, exits, model = "model_instructions" }
    }
    public struct Phase: Decodable, Sendable {
        /// The number that the marker named.
        public var phase: Int
        /// The most instructions in a row with the global interrupt flag clear.
        public var held: UInt64
        /// Of all cores.
        public var exits: [String: Cost]
        public var vcpus: [Core]
    }

    public var schema: Int
    public var phases: [Phase]
    /// Exits whose reason could not be read.
    public var unreadable: Int

    /// - Throws: `DecodingError`; `MachineError.miscounted` when a reason could not be read.
    public init(json: Data) throws {
        self = try JSONDecoder().decode(Self.self, from: json)
        guard unreadable == 0 else {
            throw MachineError.miscounted("the counter could not read the reasons of \(unreadable) exits")
        }
    }

    /// The exits of the machine's core `core` since it was switched on, by reason.
    public func exits(core: Int) -> [String: UInt64] {
        phases.reduce(into: [:]) { sum, phase in
            guard core < phase.vcpus.count else { return }
            for (reason, cost) in phase.vcpus[core].exits { sum[reason, default: 0] += cost.count }
        }
    }
}

extension CounterReport {
    /// Holds what was counted on a partition's cores against the hypervisor's own counters.
    /// - Parameter guest: asleep, and refreshed since.
    /// - Returns: how many exits both have counted.
    /// - Throws: `MachineError.miscounted` where they differ, in any reason.
    func compare(_ guest: PartitionWatch) throws(MachineError) -> UInt64 {
        guard let own = guest.statistics else { throw .miscounted("\(guest.name) has no statistics") }
        let cores = (0..<64).filter { guest.info.cores.contains(.init(core: $0)) }
        let counted = cores.map(exits).reduce(into: [String: UInt64]()) { $0.merge($1, uniquingKeysWith: +) }
        var agreed: UInt64 = 0
        for reason in ExitReason.all {
            let (ours, theirs) = (own.exits(reason), counted["\(reason.name)"] ?? 0)
            guard ours == theirs else {
                throw .miscounted(
                    "\(guest.name): the counter has \(theirs) \(reason.name) exits, the hypervisor \(ours)")
            }
            agreed += ours
        }
        return agreed
    }
}
