import Foundation
import Machines

/// The machine on which the table's attempts are made, one run after the other.
public final class AdversarySession {
    public let adversary: AdversaryMachine
    public let table: AttemptTable
    let kind: MachineKind

    /// Boots the machine.
    /// - Parameter manifest: of the machine, in Tests/Machines/Manifests; without it, the setup's.
    public init(
        on kind: MachineKind, _ workspace: Workspace, setup: AttemptTable.Setup = .plain, manifest: String? = nil
    ) throws {
        self.kind = kind
        table = try AttemptTable(workspace, for: kind)
        if setup == .wire || setup == .turnedWire {
            try Tool.run(workspace.root.appending(path: "Guests/build-device").path, [])
        }
        adversary = try AdversaryMachine(
            manifest: manifest ?? setup.rawValue, on: kind, workspace, devices: setup.devices)
    }

    /// Makes the attempts of one run; what the neighbour noticed meanwhile is a problem of all of them.
    /// - Throws: when the machine can serve no further run.
    public func carryOut(_ run: AttemptTable.Run) throws -> [AttemptResult] {
        var seen: [(name: String, seen: Observation)] = []
        var findings: [String] = []
        var problems: [String] = []
        do {
            // Not between an end and the look at what is left of it.
            try adversary.renewHostile()
            switch run.kind {
            case .probe: seen = try probe(run, &findings, &problems)
            case .deadly, .end: seen = [(run.command, try deadly(run, &findings, &problems))]
            case .wedge: seen = [(run.command, try wedge(run))]
            case .storm: seen = [(run.command, try storm(run))]
            case .link: seen = [(run.command, try LinkAttempts(adversary, kind).carryOut(run.command))]
            }
        } catch {
            problems.append("\(error)")
            try recover()
        }
        do { problems += try adversary.neighbourProblems().map { "neighbour: \($0)" } } catch {
            problems.append("neighbour: \(error)")
        }
        let known = run.attempts.map { attempt in
            AttemptResult(
                run, attempt.name, attempt.expected, seen.first { $0.name == attempt.name }?.seen, problems: problems)
        }
        let strays = seen.filter { report in !run.attempts.contains { $0.name == report.name } }
        var results = known + strays.map { AttemptResult(run, $0.name, nil, $0.seen, problems: problems) }
        for i in results.indices {
            results[i].findings = findings.filter { run.attempts.count == 1 || $0.hasPrefix(results[i].name + " ") }
        }
        return results
    }

    private func recover() throws {
        try adversary.machine.requireRunning()
        try adversary.restartHostile()
    }

    private func probe(
        _ run: AttemptTable.Run, _ findings: inout [String], _ problems: inout [String]
    ) throws -> [(name: String, seen: Observation)] {
        let outcome = try adversary.attack(run.command, seconds: run.seconds)
        let reports = take(outcome, &findings, &problems)
        // Its last storm prints more than its console keeps; a report that got lost fails by its absence.
        if run.command == "storms" { problems.removeAll { $0.hasSuffix(" bytes lost)") } }
        guard !outcome.isDone || outcome.wasRestarted else { return reports }
        problems.append(outcome.wasRestarted ? "the guest ended: \(outcome.info.cause.name)" : "the guest did not end")
        if !outcome.wasRestarted { try adversary.restartHostile() }
        return reports
    }

    private func deadly(
        _ run: AttemptTable.Run, _ findings: inout [String], _ problems: inout [String]
    ) throws -> Observation {
        let outcome = try adversary.attack(run.command, seconds: run.seconds)
        var seen = Observation(take(outcome, &findings, &problems).flatMap { $0.seen.words })
        if outcome.wasRestarted {
            seen.add("ended:\(outcome.info.cause.name)".replacingOccurrences(of: " ", with: "-"))
        } else {
            seen.add(outcome.isDone ? "went-on" : "lost")
            if !outcome.isDone { try adversary.restartHostile() }
        }
        guard run.kind == .end else { return seen }
        let after = try adversary.attack("residue", seconds: 30)
        for word in take(after, &findings, &problems).flatMap({ $0.seen.words }) { seen.add(word) }
        return seen
    }

    /// The guest's reports, without the one that ends every run: whether its own program is as it was.
    private func take(
        _ outcome: AdversaryMachine.Outcome, _ findings: inout [String], _ problems: inout [String]
    ) -> [(name: String, seen: Observation)] {
        let prefix = "@finding "
        findings += outcome.lines.filter { $0.hasPrefix(prefix) }.map { String($0.dropFirst(prefix.count)) }
        problems += outcome.lines.filter {
            $0.hasPrefix("@abort ") || $0.hasPrefix("(") || $0.hasPrefix("@unknown ") && !$0.hasPrefix("@unknown end-")
        }
        let program = outcome.reports.filter { $0.name == "own-program" }
        if program.contains(where: { $0.seen.words != ["unchanged"] }) { problems.append("own-program: changed") }
        return outcome.reports.filter { $0.name != "own-program" }
    }

    /// Waits first for a guest that is on its way back: its manifest starts it anew however it ends.
    private func pauseAndResume() throws {
        try adversary.wait(for: .running, "hostile")
        try adversary.client.change(.pause, "hostile")
        try adversary.wait(for: .paused, "hostile")
        try adversary.client.change(.resume, "hostile")
        try adversary.wait(for: .running, "hostile")
    }

    private func wedge(_ run: AttemptTable.Run) throws -> Observation {
        let outcome = try adversary.attack(run.command, seconds: run.seconds, slowness: kind.observation)
        guard outcome.lines.contains("@try \(run.command)") else { throw AdversaryError("it did not begin") }
        var seen = Observation([String]())
        if outcome.wasRestarted { seen.add("ended:\(outcome.info.cause.name)") }
        do { try pauseAndResume() } catch {
            // It ended by itself meanwhile, or is about to start again: the one that follows does nothing of its own.
            let now = try adversary.info("hostile")
            guard now.starts != outcome.info.starts || now.state == .stopping || now.state == .starting else {
                throw error
            }
            try pauseAndResume()
        }
        seen.add("paused")
        seen.add("resumed")
        try adversary.restartHostile()
        let after = try adversary.attack("residue", seconds: 30)
        seen.add(after.isDone ? "restarted" : "dead")
        return seen
    }
}

extension AttemptTable.Setup {
    /// For the emulator: the functions that the manifest gives away, and the IOMMU before them.
    var devices: [String] {
        guard self == .devices else { return [] }
        return [
            "-device", "edu,dma_mask=0xffffffffffffffff,addr=10.0", "-device", "edu,addr=11.0",
            "-device", "pcie-root-port,id=port1,chassis=1,slot=1,addr=4",
            "-device", "virtio-rng-pci,bus=port1,disable-legacy=on,iommu_platform=on,ats=on",
        ]
    }
}
