import Foundation
import Machines
import ManifestFile
import Synchronization
import TestKit

/// The parts of `bulkhead test` that are no run of `swift test`.
extension TestReport {
    /// Measures the contract's counts. One that is over its bound is a failure, and so is a measurement that failed.
    init(contract workspace: Workspace) {
        self.init()
        let started = ContinuousClock.now
        do {
            let check = try ContractCheck(workspace) { FileHandle.standardError.write(Data("contract: \($0)\n".utf8)) }
            print(check.table)
            (passed, failures) = (check.passed, check.failures)
        } catch {
            failures = ["contract: \(error)"]
        }
        takes((ContinuousClock.now - started) / .seconds(1), as: "contract")
    }

    /// Makes the attempts to get out, on the kinds of machines that can be started here, and prints what came of them.
    init(adversary workspace: Workspace, _ kinds: [MachineKind], _ filter: String?, json: Bool) throws {
        self.init()
        let started = ContinuousClock.now
        let check = AdversaryCheck(kinds, filter: filter, workspace) {
            FileHandle.standardError.write(Data("adversary: \($0)\n".utf8))
        }
        if json {
            print(try jsonText(check.reports))
        } else {
            print(check.reports.map(\.text).joined(separator: "\n\n"))
        }
        passed = check.reports.reduce(0) { $0 + $1.attempts.count { $0.asExpected } }
        failures = check.reports.flatMap(\.failures)
        takes((ContinuousClock.now - started) / .seconds(1), as: "attempts to get out")
    }

    /// Fuzzes every target for so long; each that stands it is a test that passed.
    init(fuzzing workspace: Workspace, seconds: Int) {
        self.init()
        let started = ContinuousClock.now
        let program = workspace.root.appending(path: "Tests/Fuzz/run").path
        do {
            let targets = try Tool.run(program, ["--list"]).split(separator: "\n").map(String.init)
            // They share modules: built one after the other, and run beside each other, each on a core of its own.
            for target in targets { try Tool.run(program, [target, "--build"]) }
            let found = Mutex<[String]>([])
            DispatchQueue.concurrentPerform(iterations: targets.count) { index in
                FileHandle.standardError.write(Data("fuzzing: \(targets[index]), \(seconds) s\n".utf8))
                do { try Tool.run(program, [targets[index], "\(seconds)"]) } catch {
                    found.withLock { $0.append("fuzzing: \(targets[index]): \(error)") }
                }
            }
            failures = found.withLock { $0.sorted() }
            passed = targets.count - failures.count
        } catch { failures.append("fuzzing: \(error)") }
        takes((ContinuousClock.now - started) / .seconds(1), as: "fuzzing")
    }
}
