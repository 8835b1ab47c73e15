import ArgumentParser
import Foundation
import ManifestFile

struct ManifestShow: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Draw a manifest: cores, memory, who owns what.",
        discussion: """
            Images need not be there. Colours are used on a terminal, unless NO_COLOR is set. A refused manifest is \
            not drawn; the problems are told as by `check`.
            """)

    @Argument(help: "The manifest, a YAML file.")
    var file: String

    @Flag(help: "Print the manifest as JSON; sizes and addresses are in bytes.")
    var json = false

    func run() throws {
        let manifest = try refusing { try readManifest(file, images: .unchecked) }
        if json { return print(try jsonText(ManifestJSON(manifest))) }
        let environment = ProcessInfo.processInfo.environment
        let hasColor = isatty(STDOUT_FILENO) == 1 && (environment["NO_COLOR"] ?? "").isEmpty
        let width = environment["COLUMNS"].flatMap(Int.init) ?? 80
        print(ManifestPicture(manifest, width: width, hasColor: hasColor).text, terminator: "")
    }
}
