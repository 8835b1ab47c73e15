import Foundation
import Machines
import Reports
import TestKit

/// `bulkhead test --adversary`: every attempt of Tests/Guests/attempts.yaml on each kind of machine, in one table.
struct AdversaryCheck {
    private(set) var reports: [AdversaryReport] = []
    private let progress: @Sendable (String) -> Void

    /// - Parameter filter: of runs and vectors, a regular expression; nil for all.
    init(
        _ kinds: [MachineKind], filter: String?, _ workspace: Workspace, progress: @escaping @Sendable (String) -> Void
    ) {
        self.progress = progress
        for kind in kinds {
            do { reports.append(try report(kind, filter, workspace)) } catch {
                reports.append(AdversaryReport(machine: kind.rawValue, problem: "\(error)"))
            }
        }
    }

    private func report(_ kind: MachineKind, _ filter: String?, _ workspace: Workspace) throws -> AdversaryReport {
        let runs = try AttemptTable(workspace, for: kind).runs.filter { Self.matches($0, filter) }
        var report = AdversaryReport(machine: kind.rawValue)
        for setup in AttemptTable.Setup.allCases {
            let here = runs.filter { $0.setup == setup }
            if !here.isEmpty { try carryOut(here, kind, setup, workspace, &report) }
        }
        return report
    }

    private func carryOut(
        _ runs: [AttemptTable.Run], _ kind: MachineKind, _ setup: AttemptTable.Setup, _ workspace: Workspace,
        _ report: inout AdversaryReport
    ) throws {
        progress("booting the \(kind.rawValue) machine, \(setup.rawValue)")
        let session = try AdversarySession(on: kind, workspace, setup: setup)
        defer { session.adversary.machine.stop() }
        for run in runs {
            progress("\(kind.rawValue): \(run.vector): \(run.command)")
            do { report.attempts += try session.adversary.machine.explaining { try session.carryOut(run) } } catch {
                report.problem = "\(run.command): \(error)"
                break
            }
        }
        report.missedTicks += session.adversary.missedTicks
        report.hypervisorFaults += session.adversary.hypervisorFaults
    }

    private static func matches(_ run: AttemptTable.Run, _ filter: String?) -> Bool {
        guard let filter else { return true }
        return [run.command, run.vector].contains { $0.range(of: filter, options: .regularExpression) != nil }
    }
}

/// What one machine's attempts came to.
struct AdversaryReport: Encodable {
    var machine: String
    var attempts: [AttemptResult] = []
    var missedTicks: UInt64 = 0
    var hypervisorFaults = 0
    /// Why not all attempts could be made.
    var problem: String?

    /// Whatever was not as expected.
    var failures: [String] {
        attempts.filter { !$0.asExpected }.map { result in
            ([("\(machine): \(result.name): saw \(result.seen), expected \(result.expected)")] + result.problems)
                .joined(separator: "; ")
        } + (problem.map { ["\(machine): \($0)"] } ?? [])
            + (missedTicks > 0 ? ["\(machine): the neighbour missed \(missedTicks) ticks"] : [])
            + (hypervisorFaults > 0 ? ["\(machine): \(hypervisorFaults) faults of the hypervisor"] : [])
    }

    var text: String {
        var table = TextTable(["ATTEMPT", "VECTOR", "EXPECTED", "SEEN", ""], numbers: [])
        for result in attempts {
            let status = result.asExpected ? "ok" : "NOT AS EXPECTED"
            table.add([result.name, result.vector, result.expected, result.seen, status])
        }
        return (["Machine: \(machine)", ""] + table.lines + ["", summary]).joined(separator: "\n")
    }

    var summary: String {
        let good = attempts.count { $0.asExpected }
        return "\(attempts.count) attempts, \(good) as expected, \(attempts.count - good) escapes, "
            + "\(missedTicks) missed ticks of the neighbour, \(hypervisorFaults) hypervisor faults"
    }
}
