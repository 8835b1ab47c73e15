import ArgumentParser

@main
struct Bulkhead: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bulkhead", abstract: "An open zero trust hypervisor: build it, run it, manage it.",
        subcommands: [
            BenchCommand.self,
            CrashCommand.self,
            DemoCommand.self,
            ExplainCommand.self,
            ImageCommand.self,
            InventoryCommand.self,
            ManifestCommand.self,
            PlanCommand.self,
            TestCommand.self,
        ] + Manage.commands)
}
