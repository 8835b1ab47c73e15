import ArgumentParser
import ManifestFile

struct ManifestCheck: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Say what is wrong with a manifest, all of it at once.",
        discussion: """
            Each problem is one line on standard error, FILE:LINE: reason, and the exit code is 1. Checked are the \
            YAML, each key and value, whether partitions clash (cores, memory, names), and that every image is there. \
            What only the machine can tell (does it have those cores and that memory?) is checked when it boots.
            """)

    @Argument(help: "The manifest, a YAML file.")
    var file: String

    @OptionGroup var options: ImageOptions

    @Flag(help: "Print {file, ok, problems: [{file, line, field, reason, hint}]} on standard output instead.")
    var json = false

    func run() throws {
        if json {
            var problems: [ManifestProblem] = []
            do {
                _ = try compileManifest(file, images: options.source)
            } catch {
                problems = error.problems
            }
            print(try jsonText(CheckReport(file: file, problems: problems)))
            if !problems.isEmpty { throw ExitCode(1) }
            return
        }
        let (manifest, bytes) = try refusing { try compileManifest(file, images: options.source) }
        print("\(file): good. \(summary(manifest)); \(bytes.count) bytes when compiled.")
    }
}
