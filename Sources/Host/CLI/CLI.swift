import ArgumentParser

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
        groupedSubcommands: [
            CommandGroup(
                name: "Manifest",
                subcommands: [
                    DoctorCommand.self, InventoryCommand.self, PlanCommand.self, ManifestCommand.self,
                    ImageCommand.self,
                    ExplainCommand.self,
                ]),
            CommandGroup(name: "Emulated machine", subcommands: [DemoCommand.self]),
            CommandGroup(name: "Running machine", subcommands: Manage.commands + [CrashCommand.self]),
            CommandGroup(name: "Verification", subcommands: [TestCommand.self, BenchCommand.self]),
        ])
}
