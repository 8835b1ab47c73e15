import Foundation
import Testing

@testable import Machines
@testable import TestKit

/// The judgement of the adversary suite: what it accepts and what it does not.
@Suite struct AttemptTableTests {
    @Test(arguments: [
        ("ones", "ones", true), ("ones", "zero", false), ("0-other >0-ones", "512-ones,0-other", true),
        ("0-other >0-ones", "0-ones,0-other", false), ("0-other", "10-other", false), (">0-ones", "ones", false),
        ("all-#GP", "3-of-3-#GP", true), ("all-#GP", "2-of-3-#GP", false), ("all-#GP", "3-#GP", false),
        ("all-#GP", "3-of-3-#UD", false), ("#GP|#UD", "#UD", true), ("#GP|#UD", "#PF", false),
        ("a b|c", "c", false), ("a b|c", "a,c", true), ("", "anything", false), ("a", "", false),
        (">0-nonzero-#GP", "0-of-9-nonzero-#GP", false), ("all-nonzero-#GP", "9-of-9-nonzero-#GP", true),
    ])
    func whatIsExpectedHolds(_ expected: String, _ seen: String, _ holds: Bool) {
        #expect(Expectation(expected).holds(for: Observation(seen[...])) == holds)
    }

    @Test func aProblemMakesAnAttemptThatSawTheRightThingAFailure() throws {
        let run = AttemptTable.Run(
            vector: "ports", command: "ports", kind: .probe, setup: .plain, seconds: 1,
            attempts: [(name: "port-in8", expected: Expectation("ones"))])
        let expected = run.attempts[0].expected
        #expect(AttemptResult(run, "port-in8", expected, Observation("ones")).asExpected)
        let problems = ["neighbour: missed: 1"]
        #expect(!AttemptResult(run, "port-in8", expected, Observation("ones"), problems: problems).asExpected)
        #expect(!AttemptResult(run, "port-in8", expected, nil).asExpected)
        #expect(!AttemptResult(run, "stray", nil, Observation("ones")).asExpected)
    }

    @Test(arguments: MachineKind.allCases) func theTableHasAHundredAttemptsAndEveryVector(_ kind: MachineKind) throws {
        let table = try AttemptTable(Workspace.current(), for: kind)
        #expect(table.runs.reduce(0) { $0 + $1.attempts.count } >= 100)
        let vectors = [
            "memory", "interrupts", "devices", "privileged state", "ports", "hypercalls", "resources",
            "management link",
        ]
        #expect(Set(table.runs.map(\.vector)) == Set(vectors))
    }

    /// The same attempts at a wire's end, where the emulator can have a Linux at the other and where that takes too long.
    @Test func attemptsAreMadeOnTheVendorsOwnMachine() throws {
        let workspace = try Workspace.current()
        for (kind, setup) in [(MachineKind.amd, AttemptTable.Setup.wire), (.intel, .virtio)] {
            let runs = try AttemptTable(workspace, for: kind).runs.filter { $0.command.hasPrefix("wire:") }
            #expect(!runs.isEmpty && runs.allSatisfy { $0.setup == setup }, "\(kind)")
        }
    }

    /// The count that `Documentation/status.md` has is the table's.
    @Test(arguments: [("From a wire's end: ", "wire:"), ("its queues is bounded: ", "virtio")])
    func theDocumentsCountIsTheTables(_ words: String, _ command: String) throws {
        let workspace = try Workspace.current()
        let runs = try AttemptTable(workspace, for: .amd).runs.filter { $0.command.hasPrefix(command) }
        let page = try String(contentsOf: workspace.root.appending(path: "Documentation/status.md"), encoding: .utf8)
        let rest = try #require(page.range(of: words).map { page[$0.upperBound...] })
        #expect(rest.hasPrefix("\(runs.reduce(0) { $0 + $1.attempts.count }) attempts"), "\(rest.prefix(20))")
    }

    @Test func aFrameMadeByHandIsTheOneThatTheLinkMakes() throws {
        let frame = LinkFrame(7, 6, partition: "hostile")
        #expect(frame.payload == [0xA2, 0, 6, 1, 0x67] + Array("hostile".utf8))
        #expect(frame.bytes.first == 0x7E && frame.bytes.last == 0x7E)
    }
}
