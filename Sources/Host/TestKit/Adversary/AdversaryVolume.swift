import Foundation
import Machines
import Manifest
import ManifestFile

/// Builds the adversary guests and the boot volume for a manifest that names them.
func adversaryVolume(
    _ file: URL, _ workspace: Workspace, hypervisor: URL, files: [BootVolumeImage.Image] = []
) throws -> (manifest: Manifest, disk: URL) {
    try Tool.run(workspace.root.appending(path: "Tests/Guests/build").path, [])
    let images = workspace.cache.appending(path: "images")
    let (manifest, bytes) = try compileManifest(file.path, images: .folder(images.path))
    let volume = BootVolumeImage(
        hypervisor: hypervisor, manifest: bytes,
        images: (0..<manifest.partitionCount).map { index in
            let path = manifest.partitions[index].image.string
            return .init(path: path, source: images.appending(path: path))
        } + files)
    let disk = workspace.cache.appending(path: "tests/\(manifest.name.string).img")
    try volume.writeImage(to: disk)
    return (manifest, disk)
}
