import ArgumentParser
import ManifestRules

struct ExplainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain",
        abstract: "Say what is behind a refusal of a manifest, and what to change.",
        discussion: """
            The hypervisor refuses a manifest in one line of its console, with a number. Paste the line, or give the \
            number alone:

              bulkhead explain R84
              bulkhead explain 'bulkhead: refused: R84 partition "log" claims 64 MiB of memory at ...'
              bulkhead explain --all
            """)

    @Argument(help: "The number, or the line.") var text: [String] = []
    @Flag(help: "Print every refusal there is.") var all = false

    func validate() throws {
        guard all == text.isEmpty else { throw ValidationError("give a number, a line, or --all") }
    }

    func run() throws {
        if all {
            for reason in ManifestRefusal.Reason.all {
                print("R\(reason.number): \(reason.phrase).\n\(reason.advice)\n")
            }
            return
        }
        guard let explanation = RefusalExplanation(text.joined(separator: " ")) else {
            throw ValidationError("there is no number of a refusal in this, as in R84: the line says all that is known")
        }
        print(explanation.text)
    }
}
