import ArgumentParser
import Foundation
import Machines
import Manifest
import ManifestFile

/// The options of every command that needs a boot volume.
struct VolumeOptions: ParsableArguments {
    @Option(help: "The manifest, as YAML.") var manifest: String?

    /// Reads the manifest and names every file of the volume.
    /// - Throws: `ManifestRefused` with all that is wrong with it.
    func compile(_ workspace: Workspace) throws -> (manifest: Manifest, volume: BootVolume) {
        let file = manifest ?? workspace.root.appending(path: "Examples/demo.yaml").path
        let (compiled, bytes) = try compileManifest(file)
        var images: [BootVolume.Image] = []
        for index in 0..<compiled.partitionCount {
            let partition = compiled.partitions[index]
            for path in [partition.image.string, partition.initrd.string] where !path.isEmpty {
                images.append(.init(path: path, source: try locate(path)))
            }
        }
        guard FileManager.default.fileExists(atPath: workspace.hypervisor.path) else {
            throw MachineError.missing(file: workspace.hypervisor.path, hint: "./bulkhead demo and test build it")
        }
        return (compiled, BootVolume(hypervisor: workspace.hypervisor, manifest: bytes, images: images))
    }

    private func locate(_ path: String) throws -> URL {
        do { return try ImageSource.checkout.locate(path) } catch {
            throw MachineError.missing(file: path, hint: [error.reason, error.hint ?? ""].joined(separator: "; "))
        }
    }
}
