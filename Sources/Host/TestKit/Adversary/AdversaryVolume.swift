import Foundation
import Machines
import Manifest
import ManifestFile

/// Builds the adversary guests and the boot volume for a manifest that names them.
func adversaryVolume(
    _ file: URL, _ workspace: Workspace, hypervisor: URL, files: [BootVolumeImage.Image] = []
) throws -> (manifest: Manifest, disk: URL) {
    try Tool.run(workspace.root.appending(path: "Tests/Guests/build").path, [])
    // Guests of Debian's kernel lie beside.
    let source = ImageSource.search(
        ["images", "guests"].map { workspace.cache.appending(path: $0).path }, thenCheckout: false)
    let (manifest, bytes) = try compileManifest(file.path, images: source)
    let images = try (0..<manifest.partitionCount).flatMap { index in
        let spec = manifest.partitions[index]
        return try [spec.image, spec.initrd].filter { !$0.isEmpty }.map {
            BootVolumeImage.Image(path: $0.string, source: try source.locate($0.string))
        }
    }
    let volume = BootVolumeImage(hypervisor: hypervisor, manifest: bytes, images: images + files)
    let disk = workspace.cache.appending(path: "tests/\(manifest.name.string).img")
    try volume.writeImage(to: disk)
    return (manifest, disk)
}
