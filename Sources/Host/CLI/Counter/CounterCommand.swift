import ArgumentParser
import Foundation
import Reports
import Seal
import TPM

/// `bulkhead counter`: the security version below which a machine starts nothing.
struct CounterCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "counter", abstract: "Show or raise the TPM's counter of the security version.",
        discussion: """
            The hypervisor refuses a manifest whose security-version is below the counter, and never changes the counter: raise it \
            after an update was confirmed (`bulkhead confirm`), not before, so that the machine can fall back until then. So an old manifest that the owner signed once does not start again. The counter is NV index 01804C4Bh of \
            the TPM; it never goes back, also not when it is removed and made again: its first value is one more than the highest that \
            any counter of this TPM has had. Give manifests a version that is not below what this prints.

              bulkhead counter --create
              bulkhead counter --at-least 12

            Exit codes: 0 done, 1 refused, 64 the command line is wrong.
            """)

    @OptionGroup var device: TPMOptions
    @Flag(help: "Make the counter where there is none.") var create = false
    @Option(
        help: ArgumentHelp(
            "Increment until it has this value: at most \(RollbackCounter.mostIncrements) times.", valueName: "value"))
    var atLeast: UInt64?
    @Flag(help: "Print JSON.") var json = false

    private struct Answer: Encodable {
        let index: String
        let isThere: Bool
        /// It was made just now.
        let isNew: Bool
        let value: UInt64?
    }

    func run() throws {
        let counter = RollbackCounter(try TPMConnection(device.tpm))
        var isNew = false
        if create { isNew = try counter.create().isNew }
        if let atLeast { try raise(counter, to: atLeast) }
        let state = try counter.state()
        let value: UInt64? = if case .value(let value) = state { value } else { nil }
        if json {
            let answer = Answer(index: "01804C4Bh", isThere: state != .absent, isNew: isNew, value: value)
            return print(try jsonText(answer))
        }
        switch state {
        case .absent: print("no counter: `bulkhead counter --create` makes it")
        case .unwritten: print("the counter has no value yet: `bulkhead counter --create` makes its first increment")
        case .value(let value): print("\(value)\(isNew ? " (made)" : create ? " (was there)" : "")")
        }
    }

    /// Says each second how far it is.
    private func raise(_ counter: RollbackCounter, to wanted: UInt64) throws {
        var next = ContinuousClock.now + .seconds(1)
        _ = try counter.raise(to: wanted) { value in
            guard ContinuousClock.now >= next, value < wanted else { return }
            next = ContinuousClock.now + .seconds(1)
            Manage.fail("counter \(value) of \(wanted)")
        }
    }
}
