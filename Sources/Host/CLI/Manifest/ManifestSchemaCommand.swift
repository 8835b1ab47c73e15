import ArgumentParser
import ManifestFile

struct ManifestSchemaCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "schema",
        abstract: "Print the JSON Schema of manifests, for editors that complete and check YAML.",
        discussion: """
              bulkhead manifest schema > manifest.schema.json

            With yaml-language-server, a manifest's first line names it: # yaml-language-server: $schema=manifest.schema.json
            """)

    func run() throws { print(try manifestSchema()) }
}
