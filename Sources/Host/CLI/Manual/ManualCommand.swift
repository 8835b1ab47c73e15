import ArgumentParser
import Foundation
import Machines
import Reports

/// `bulkhead manual`: man pages, out of what `--help` says.
struct ManualCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "manual", abstract: "Write a man page for each command.",
        discussion: """
            The pages say what --help says, and nothing else.

              bulkhead manual --output ~/.local/share/man/man1
              man bulkhead-install
            """)

    @Option(help: ArgumentHelp("The folder for the pages; it is made.", valueName: "dir")) var output: String

    @Option(
        help: ArgumentHelp(
            "Of a program instead, for section 8, out of what its --experimental-dump-help has written into this file.",
            valueName: "file", visibility: .hidden)) var of: String?

    func run() throws {
        let folder = URL(filePath: output, directoryHint: .isDirectory)
        let dumped = try of.map { try Data(contentsOf: URL(filePath: $0)) } ?? Data(Bulkhead._dumpHelp().utf8)
        let pages = ManualPage.all(
            try HelpDump(json: dumped), version: Bulkhead.configuration.version, section: of == nil ? 1 : 8)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        for page in pages {
            try Data(page.text.utf8).write(to: folder.appending(path: page.fileName), options: .atomic)
        }
        print("\(folder.path): \(pages.count) pages written")
    }
}
