import ArgumentParser
import Foundation
import Machines

@main
struct Bulkhead: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bulkhead",
        abstract: "An open zero trust hypervisor: describe a machine, run it, manage it, measure it.",
        discussion: """
            To begin: `bulkhead demo`. For a machine of your own: `bulkhead doctor` says whether it runs there, `bulkhead \
            inventory` and `bulkhead plan` propose a manifest, `bulkhead manifest check` says what is wrong with it, `bulkhead image` makes what the machine \
            boots from. `./bulkhead setup` only installs the packages that are missing.
            """,
        version: HypervisorVersion.text,
        groupedSubcommands: [
            CommandGroup(
                name: "Manifest",
                subcommands: [
                    DoctorCommand.self, InventoryCommand.self, PlanCommand.self, ManifestCommand.self,
                    KeysCommand.self, ImageCommand.self, ReferenceCommand.self, ExplainCommand.self,
                ]),
            CommandGroup(
                name: "TPM",
                subcommands: [SealCommand.self, CounterCommand.self, AttestCommand.self, VerifyCommand.self]),
            CommandGroup(
                name: "Boot disk",
                subcommands: [
                    InstallCommand.self, UpdateCommand.self, StatusCommand.self, ConfirmCommand.self,
                    RollbackCommand.self, UninstallCommand.self,
                ]),
            CommandGroup(name: "Emulated machine", subcommands: [DemoCommand.self]),
            CommandGroup(
                name: "Running machine",
                subcommands:
                    Manage.commands + [CrashCommand.self, AuditCommand.self, PolicyCommand.self, PKICommand.self]),
            CommandGroup(
                name: "Verification", subcommands: [TestCommand.self, BenchCommand.self, MeasureCommand.self]),
            CommandGroup(name: "This tool", subcommands: [ManualCommand.self]),
        ])

    /// As ArgumentParser's, but that whatever goes wrong is one line with one prefix, usage is shown for errors of usage
    /// alone, and output that nobody got is an error.
    static func main() {
        do {
            var command = try parseAsRoot()
            try command.run()
        } catch {
            if let words = PlainError(error) {
                Manage.fail(words.description)
                Foundation.exit(1)
            }
            let code = exitCode(for: error), words = fullMessage(for: error)
            // Help was asked for: output like any other.
            if code.isSuccess {
                print(words)
            } else {
                if !words.isEmpty { Manage.fail(words.hasPrefix("Error: ") ? String(words.dropFirst(7)) : words) }
                Foundation.exit(code.rawValue)
            }
        }
        if fflush(nil) != 0 || Terminal.hasFailed {
            Manage.fail("standard output cannot be written: \(unsafe String(cString: strerror(errno)))")
            Foundation.exit(1)
        }
    }
}
