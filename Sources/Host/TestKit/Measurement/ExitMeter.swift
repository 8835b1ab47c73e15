import Control
import ControlClient
import Foundation
import Machines

/// One boot of the meter guest under the counter: what each kind of exit costs, in instructions.
public struct ExitMeter: Sendable {
    /// What the guest provokes in one phase. The raw value is the phase's number in `Tests/Guests/meter/meter.h`.
    public enum Kind: Int, CaseIterable, Sendable {
        case cpuid = 1
        case cpuidLeaves = 10
        case msr = 2
        case port = 3
        case portUART = 8
        case portRTC = 9
        case icr = 4
        case nmi = 7
        case nestedPageFault = 5
        case hypercall = 6

        /// The reason whose cost the phase shows.
        public var reason: ExitReason {
            switch self {
            case .cpuid, .cpuidLeaves: .cpuid
            case .msr: .msr
            case .port, .portUART, .portRTC: .port
            case .icr: .icr
            case .nmi: .nmi
            case .nestedPageFault: .nestedPageFault
            case .hypercall: .hypercall
            }
        }
    }

    public let machine: MachineInfo
    public private(set) var costs: [(kind: Kind, cost: CounterReport.Cost)] = []
    /// The most instructions in a row for which SMIs waited (the global interrupt flag was clear): of everything from the first
    /// start to the second, with what ends a guest in between, and of a guest whose kernel is locked.
    public private(set) var held: UInt64 = 0
    /// How many exits of the guest were counted by the plugin and by the hypervisor alike.
    public private(set) var agreed: UInt64 = 0

    /// Boots the machine, waits until the guest has provoked everything, and checks the counter against the guest and
    /// against the hypervisor's own counters.
    /// - Throws: `MachineError.miscounted` when they do not agree; `ManifestRefused`, `MachineError`, `LinkError`.
    public init(_ workspace: Workspace, progress: @escaping @Sendable (String) -> Void = { _ in }) throws {
        let counter = try CounterPlugin(workspace)
        let testbed = try counter.boot("meter", workspace, progress)
        defer { testbed.stop() }
        guard let guest = testbed.watch.partitions.first else {
            throw MachineError.miscounted("the manifest has no partition")
        }
        var said: String?
        let done = try testbed.refresh(seconds: 120) { _ in
            said = guest.console?.lines.last { $0.hasPrefix("@meter ") && !$0.hasPrefix("@meter start") }
            return said != nil
        }
        guard done, let said, let times = Self.times(said) else {
            throw MachineError.miscounted("the meter guest did not come to its end; it said: \(said ?? "nothing")")
        }
        let report = try counter.report()
        try testbed.watch.refresh()
        machine = testbed.watch.machine
        try take(report, times: times)
        // The guest sleeps by now, so both have counted the same exits.
        agreed = try report.compare(guest)
        held = try Self.restart(testbed, counter)
    }

    /// `WatchPhase.locked`.
    private static let lockedPhase: UInt64 = 2

    private static func restart(_ testbed: Testbed, _ counter: CounterPlugin) throws -> UInt64 {
        let client = try ControlClient(testbed.machine, path: testbed.socket.path)
        try client.change(.restart, "meter")
        let isBack = try testbed.refresh(seconds: 120) { watch in
            (watch.partitions.first?.console?.lines.count { $0.hasPrefix("@meter start") } ?? 0) > 1
        }
        guard isBack else { throw MachineError.miscounted("the meter guest did not start again") }
        try client.change(.start, "watched")
        var isUp = false, isLocked = false
        _ = try testbed.refresh(seconds: 240) { watch in
            guard let guest = watch.partitions.last else { return true }
            isUp = guest.console?.lines.contains { $0.hasPrefix("@bulkhead ready") } ?? false
            isLocked = guest.info.watch & 0xFF == lockedPhase
            return isUp && isLocked
        }
        guard isUp, isLocked else { throw MachineError.miscounted("the watched guest's kernel was not locked") }
        return try counter.report().phases.map(\.held).max() ?? 0
    }

    /// From `@meter done times=N interrupts=N nmis=N`, when each was N.
    static func times(_ line: String) -> UInt64? {
        let words = line.split(separator: " ")
        let numbers = words.compactMap { word in word.split(separator: "=").last.flatMap { UInt64($0) } }
        guard words.starts(with: ["@meter", "done"]), numbers.count == 3, Set(numbers).count == 1 else { return nil }
        return numbers.first
    }

    private mutating func take(_ report: CounterReport, times: UInt64) throws(MachineError) {
        for kind in Kind.allCases {
            let phases = report.phases.filter { $0.phase == kind.rawValue }
            guard phases.count == 1, let cost = phases[0].exits["\(kind.reason.name)"] else {
                throw .miscounted("phase \(kind.rawValue) of the meter guest has no \(kind.reason.name) exits")
            }
            guard cost.count == times else {
                throw .miscounted(
                    "phase \(kind.rawValue) of the meter guest has \(cost.count) \(kind.reason.name) exits, not \(times)"
                )
            }
            costs.append((kind, cost))
        }
    }
}
