import ArgumentParser
import Foundation
import Machines
import ManifestFile

struct ManifestInit: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init",
        abstract: "Ask for the partitions of a machine and write a first manifest, each key explained.",
        discussion: """
            On a terminal it asks, Enter takes what is in brackets; elsewhere, and with --defaults, it asks nothing. For a \
            manifest that fits a machine's cores and caches see `bulkhead plan`.
            """)

    @Argument(help: "The file to write; it must not be there yet.") var file = "machine.yaml"
    @Flag(help: "Ask nothing.") var defaults = false

    func run() throws {
        guard !FileManager.default.fileExists(atPath: file) else {
            Manage.fail("\(file) is there already; name another file")
            throw ExitCode(1)
        }
        try SafeFile.requirePlace(URL(filePath: file))
        let asks = !defaults && Terminal.isInteractive
        func ask(_ question: String, _ usual: String) -> String {
            guard asks else { return usual }
            print("\(question) [\(usual)]: ", terminator: "")
            fflush(nil)
            let answer = (readLine() ?? "").trimmingCharacters(in: .whitespaces)
            return answer.isEmpty ? usual : answer
        }
        let name = ask("Name of the machine", "my-machine")
        let count = min(max(Int(ask("How many partitions", "2")) ?? 2, 1), 7)
        let partitions = (1...count).map { index in
            let partition = ask("Partition \(index): name", "part\(index)")
            return NewPartition(
                name: partition, cores: ask("  its cores (0 answers managers)", "\(index)"),
                memory: ask("  its memory", "512M"), kernel: ask("  its kernel", "vmlinux-cloud"),
                initrd: ask("  its initial RAM disk", "workload.cpio"))
        }
        let text = annotatedManifest(name: name, partitions)
        do { try Data(text.utf8).write(to: URL(filePath: file), options: .withoutOverwriting) } catch {
            Manage.fail("\(file) cannot be written")
            throw ExitCode(1)
        }
        // What was answered may be wrong: say so at once, and keep the file for an editor.
        _ = try refusing { try readManifest(file, images: .unchecked) }
        print("\(file): written. Next: bulkhead manifest check \(file)")
    }
}
