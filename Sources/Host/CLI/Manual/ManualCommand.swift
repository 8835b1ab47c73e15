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

    func run() throws {
        let folder = URL(filePath: output, directoryHint: .isDirectory)
        let help = try HelpDump(json: Data(Bulkhead._dumpHelp().utf8))
        let pages = ManualPage.all(help, version: Bulkhead.configuration.version)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        for page in pages {
            try Data(page.text.utf8).write(to: folder.appending(path: page.fileName), options: .atomic)
        }
        print("\(folder.path): \(pages.count) pages written")
    }
}
