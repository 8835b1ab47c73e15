import ArgumentParser
import Foundation
import Machines
import ManifestFile

struct ManifestCompile: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "compile",
        abstract: "Check a manifest and write the form that the hypervisor reads.",
        discussion: """
            The output is deterministic CBOR (RFC 8949, section 4.2): the same manifest always gives the same bytes. \
            It belongs on the boot volume as \\BULKHEAD\\manifest.cbor, with the images beside it. A refused manifest \
            writes nothing.
            """)

    @Argument(help: "The manifest, a YAML file.")
    var file: String

    @Option(name: [.short, .long], help: "The file to write.")
    var output: String

    @OptionGroup var options: ImageOptions

    func run() throws {
        let (manifest, bytes) = try refusing {
            try compileManifest(file, images: options.source(beside: file), isLoading: true)
        }
        try SafeFile.write(Data(bytes), to: output)
        print("\(output): \(bytes.count) bytes. \(summary(manifest)).")
    }
}
