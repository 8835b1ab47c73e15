import ArgumentParser
import Foundation
import Inventory
import ManifestFile

struct ManifestShow: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Draw a manifest: cores, memory, who owns what.",
        discussion: """
            Images need not be there. Colours are used on a terminal, unless NO_COLOR is set. A refused manifest is \
            not drawn; the problems are told as by `check`. With --machine, the ways of its last-level caches are drawn too.
            """)

    @Argument(help: "The manifest, a YAML file.")
    var file: String

    @Option(help: ArgumentHelp("What `bulkhead inventory --json` printed on the machine.", valueName: "inventory"))
    var machine: String?

    @Flag(help: "Print the manifest as JSON; sizes and addresses are in bytes.")
    var json = false

    func run() throws {
        let manifest = try refusing { try readManifest(file, images: .unchecked) }
        if json { return print(try jsonText(ManifestJSON(manifest))) }
        let environment = ProcessInfo.processInfo.environment
        let hasColor = isatty(STDOUT_FILENO) == 1 && (environment["NO_COLOR"] ?? "").isEmpty
        let width = environment["COLUMNS"].flatMap(Int.init) ?? 80
        let inventory = try refusing {
            let found = try machine.map { try ManifestMachine.inventory($0) }
            if let reason = found?.refusal(of: manifest) {
                throw ManifestRefused(problems: [ManifestProblem(file: file, reason: reason)])
            }
            return found
        }
        let picture = ManifestPicture(manifest, on: inventory?.facts, width: width, hasColor: hasColor)
        print(picture.text, terminator: "")
    }
}
