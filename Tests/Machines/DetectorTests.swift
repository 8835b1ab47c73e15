import Foundation
import Machines
import TestKit
import Testing

extension MachineTests {
    /// The adversary suite is worth what its detectors are worth. Each is made to fire here, by a hypervisor that is built
    /// to do to the neighbour what none may do: the suite's own judgement must then name it, and only it.
    @Suite(.serialized, .stopsMachines) struct Detectors {
        nonisolated(unsafe) static let shared = Result {
            try AdversaryMachine(manifest: "detectors", faults: true, Workspace.current())
        }
        let adversary: AdversaryMachine

        init() throws { adversary = try unsafe Self.shared.get() }

        /// What the hostile guest has its hypervisor do to the neighbour's first core.
        static let strays = [
            (fault: "stray-interrupt", detectors: ["unexpected"]), ("stray-tick", ["spurious"]),
            ("stray-nmis", ["nmi"]),
        ]

        @Test(arguments: strays) func whatComesFromAnotherCoreIsNoticed(
            _ stray: (fault: String, detectors: [String])
        ) throws {
            try itIsQuiet()
            let outcome = try adversary.attack("fault:\(stray.fault)", seconds: 20)
            #expect(outcome.isDone, "\(outcome.text)")
            try expect(stray.detectors)
        }

        /// What the neighbour's own hypervisor does to it when a letter is typed, and seconds until that shows.
        static let sabotage =
            [
                (letter: "n", detectors: ["unexpected", "nmi"], seconds: 0.5), ("m", ["checksum"], 20),
                ("t", ["missed"], 8), ("g", ["registers"], 0.5),
            ] + Nightly.also([(letter: "d", detectors: ["gap"], seconds: 9), ("s", ["silent", "init", "nmi"], 8)])

        @Test(arguments: sabotage) func whatIsDoneToItIsNoticed(
            _ sabotage: (letter: String, detectors: [String], seconds: Double)
        ) throws {
            try itIsQuiet()
            adversary.neighbour.type(sabotage.letter)
            try adversary.neighbour.exchange()
            adversary.machine.run(seconds: sabotage.seconds)
            try expect(sabotage.detectors)
        }

        /// The last one: QEMU resets a core that gets an INIT in root mode, so that nothing is heard of its guest any more.
        @Test(.nightly) func anINITFromAnotherCoreIsNoticed() throws {
            try itIsQuiet()
            _ = try adversary.attack("fault:stray-init", seconds: 20)
            try expect(["report"])
        }

        private func itIsQuiet() throws {
            let problems = try adversary.neighbourProblems()
            #expect(problems.isEmpty, "before anything was done: \(problems)")
        }

        private func expect(_ detectors: [String]) throws {
            let problems = try adversary.neighbourProblems()
            #expect(problems.map { String($0.prefix { $0 != ":" }) } == detectors, "\(problems)")
        }
    }
}
