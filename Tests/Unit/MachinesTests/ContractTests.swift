import Foundation
import Testing

@testable import Machines
@testable import TestKit

@Suite struct ContractTests {
    static let yaml = """
        # A comment.
        counts:
          exits_idle:   {at-most: 0, last: 0}
          cost:         {below: 150, last: 131}   # behind it
          cost_b:       {below: 150}
        times:
          start:        {below: 500}
        """

    @Test func termsAreReadInTheOrderOfTheFile() throws {
        let contract = try Contract(yaml: Self.yaml)
        #expect(contract.terms.map(\.name) == ["exits_idle", "cost", "cost_b", "start"])
        #expect(contract["exits_idle"]?.bound == .atMost(0))
        #expect(contract["cost"]?.last == 131)
        #expect(contract["cost_b"]?.last == nil)
        #expect(contract["cost_b"]?.isEnforced == true)
        #expect(contract["start"]?.isEnforced == false)
        #expect(contract["nothing"] == nil)
    }

    @Test(arguments: [(0, true), (1, false)]) func atMostMayBeReached(figure: Double, holds: Bool) {
        #expect(Contract.Bound.atMost(0).holds(figure) == holds)
    }
    @Test(arguments: [(149, true), (150, false), (151, false)]) func belowMayNot(figure: Double, holds: Bool) {
        #expect(Contract.Bound.below(150).holds(figure) == holds)
    }

    @Test(arguments: [
        "", "[1]", "counts: 1", "promises: {a: {below: 1}}", "counts: {a: 1}", "counts: {a: {last: 1}}",
        "counts: {a: {below: much}}", "counts: {a: {below: -1}}", "counts: {a: {below: 1, at-most: 1, more: 1}}",
        "counts: {a: {below: 1, below: 2}}", "counts: {a: {below: .nan}}",
        "counts: {a: {below: 1}}\ntimes: {a: {below: 1}}",
    ]) func whatIsNoContractIsRefused(yaml: String) {
        #expect(throws: (any Error).self) { try Contract(yaml: yaml) }
    }

    @Test func recordingChangesOnlyTheLastFigures() throws {
        let figures = ["exits_idle": 2.0, "cost": 140, "cost_b": 99.5, "unknown": 1]
        let recorded = Contract.recording(figures, in: Self.yaml)
        #expect(
            recorded
                == Self.yaml.replacingOccurrences(of: "last: 0", with: "last: 2")
                .replacingOccurrences(of: "last: 131", with: "last: 140")
                .replacingOccurrences(of: "cost_b:       {below: 150}", with: "cost_b:       {below: 150, last: 99.5}")
        )
        #expect(try Contract(yaml: recorded)["cost"]?.last == 140)
    }

    @Test func theRepositorysContractPromisesWhatTheBenchMeasures() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let contract = try Workspace(root: root).contract()
        for name in ["exits_idle", "exits_busy", "exits_cyclictest"] { #expect(contract[name]?.bound == .atMost(0)) }
        #expect(contract["instructions_cpuid"]?.isEnforced == true)
    }

    @Test func linesInRootModeAreCounted() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let lines = try Workspace(root: root).rootModeLines()
        let tcb = root.appending(path: "Tools/tcb").path
        let table = try Tool.run(tcb, ["--check", "\(lines)"])
        #expect(table.contains("\(lines)"))
        #expect(throws: MachineError.self) { try Tool.run(tcb, ["--check", "\(lines - 1)"]) }
    }
}
