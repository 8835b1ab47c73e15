import ArgumentParser
import ManifestFile

struct ManifestDecode: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "decode",
        abstract: "Read a compiled manifest, as the hypervisor does, and print it as YAML.",
        discussion: """
            The YAML has every key, also where it has its default, and compiles to the same bytes again. Damaged or \
            refused files give the sentence that the hypervisor would print, and exit code 1.
            """)

    @Argument(help: "The compiled manifest, a CBOR file.")
    var file: String

    @Flag(help: "Print the manifest as JSON; sizes and addresses are in bytes.")
    var json = false

    func run() throws {
        let manifest = try refusing { try decodeManifest(file) }
        if json { return print(try jsonText(ManifestJSON(manifest))) }
        print(manifestYAML(manifest), terminator: "")
    }
}
