import Foundation
import Machines
import Manifest
import ManifestFile
import Seal
import SignedImages
import TPM

/// An emulated machine with a TPM of its own, which starts what its owner has signed. One of its partitions has a secret, once that is
/// sealed.
public final class SealedMachine {
    public let tpm: SoftwareTPM
    public let manifest: Manifest
    /// Signed; with the sealed secret, once there is one.
    public private(set) var volume: BootVolumeImage
    private let owner: MachineOwner
    private let folder: URL
    private let workspace: Workspace
    public var name: String { manifest.name.string }
    private var file: String { folder.path + "/machine.yaml" }

    /// - Parameters:
    ///   - yaml: its manifest, in which one partition has `secret:` with the digest of the owner's.
    ///   - folder: of this machine alone, for what is made for it.
    ///   - images: where the manifest's images are looked for.
    /// - Throws: `ManifestRefused`, `KeyError`, `MachineError`.
    public init(
        yaml: String, _ owner: MachineOwner, in folder: URL, _ workspace: Workspace,
        images: ImageSource = .checkout
    ) throws {
        (self.owner, self.folder, self.workspace) = (owner, folder, workspace)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let file = folder.path + "/machine.yaml"
        try Data(yaml.utf8).write(to: URL(filePath: file))
        (manifest, volume) = try BootVolumeImage.compile(file, workspace, images: images)
        try volume.sign(with: owner.keys, owner.passphrase, in: folder)
        tpm = try SoftwareTPM()
    }

    /// Switches it on, as `Testbed` does.
    /// - Parameters:
    ///   - title: its name as of `Testbed`.
    ///   - extra: its devices, for the emulator's command line.
    public func start(
        _ title: String, extra: [String], progress: @escaping @Sendable (String) -> Void = { _ in }
    ) throws -> Testbed {
        var emulator = Emulator(.amd, for: manifest)
        (emulator.tpm, emulator.iommu, emulator.extra) = (tpm.control, .vtd, extra)
        return try Testbed(
            manifest, volume, emulator, workspace, name: title, readiness: readReadiness(file), progress: progress)
    }

    /// Seals the owner's secret to what the TPM has measured at the machine's last start; it has no power now. From its next start on
    /// its partition has the secret.
    /// - Throws: `SealError`, `TPMError`, `MachineError.missing`.
    public func seal() throws {
        guard let partition = manifest.partitionList.first(where: { $0.secret != nil }),
            let key = try OwnerSection.key(of: volume.hypervisor)
        else { throw MachineError.missing(file: "a partition with a secret in \(file)", hint: "give one `secret:`") }
        let sealed = try SealedSecret(
            owner.secret, SealedSecret.Plan(ownerKey: key), TPMConnection("swtpm:" + tpm.control.path))
        let path = partition.sealedPath.string, target = folder.appending(path: path)
        try Data(sealed.commands.bytes).write(to: target)
        volume.images.append(.init(path: path, source: target))
    }

    /// Its first start, without its secret, which is sealed then.
    public func provision(
        _ title: String, extra: [String], progress: @escaping @Sendable (String) -> Void = { _ in }
    ) throws {
        progress("first start of \(name), without its secret")
        let first = try start(title, extra: extra)
        // An emulator that ends by itself ends the TPM too.
        first.machine.cutPower()
        first.stop()
        progress("sealing the secret to the TPM of \(name)")
        try seal()
    }

    /// The TPM's end.
    public func stop() { tpm.stop() }
}
