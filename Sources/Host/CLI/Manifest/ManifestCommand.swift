import ArgumentParser
import Foundation
import ManifestFile
import ManifestRules

/// `bulkhead manifest`: what people do with a manifest before a machine gets it.
struct ManifestCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "manifest",
        abstract: "Begin, check, draw and compile manifests.",
        discussion: """
            A manifest says into which partitions a machine is divided: their cores, memory, images, and what a manager may \
            ask of them. You write it in YAML; the hypervisor reads a compact form (deterministic CBOR) that `compile` \
            makes, and checks it again with the same rules.

            A first manifest:

              name: my-machine
              housekeeping: 0          # this core answers the management requests
              partitions:
                - name: controller
                  cores: [1]           # belongs to this partition alone
                  memory: 512M
                  image: {kernel: vmlinux-rt, initrd: control-loop.cpio}

            Then: bulkhead manifest check FILE; bulkhead manifest show FILE.
            Examples/demo.yaml is annotated line by line; Documentation/manifest.md has every key.
            Exit codes: 0 all is well, 1 the manifest is refused, 64 the command line is wrong.
            """,
        subcommands: [
            ManifestInit.self, ManifestCheck.self, ManifestShow.self, ManifestCompile.self, ManifestDecode.self,
            ManifestSchemaCommand.self,
        ])
}

/// Where images are, for the commands that look for them.
struct ImageOptions: ParsableArguments {
    @Option(
        parsing: .singleValue,
        help: ArgumentHelp(
            "A folder that images named in the manifest are in; repeat it for more.",
            discussion:
                "Then the manifest's own folder; without this option also .cache/images and .cache/guests of this "
                + "checkout, or of an installed tool images and guests in ~/.cache/bulkhead.", valueName: "dir"))
    var images: [String] = []

    /// Where the images of this manifest are looked for.
    /// - Parameter made: a folder of images that were made for this run alone.
    func source(beside manifest: String, made: String? = nil) -> ImageSource {
        let folder = URL(filePath: manifest).deletingLastPathComponent().path
        return .search(images + (made.map { [$0] } ?? []) + [folder], thenCheckout: images.isEmpty)
    }
}

/// Runs `body`; a refused manifest is printed on standard error, one line a problem, and ends the tool with 1.
func refusing<T>(_ body: () throws -> T) throws -> T {
    do {
        return try body()
    } catch let refused as ManifestRefused {
        FileHandle.standardError.write(Data((printable(refused.description, lines: true) + "\n").utf8))
        throw ExitCode(1)
    }
}
