import Foundation
import Machines
import ManifestFile

/// The two machines of `Examples/sealed-wire.yaml`, of one owner, whose partitions `app` talk by wires with sealed ends.
public final class SealedPair {
    public let left: SealedMachine
    public let right: SealedMachine
    public let owner: MachineOwner

    /// Makes the owner's keys and secret, boot volumes and TPMs.
    /// - Parameters:
    ///   - folder: for all that. Nobody else is to read it.
    ///   - images: where the manifest's images are looked for.
    ///   - progress: told what is going on, a line a step.
    public init(
        in folder: URL, _ workspace: Workspace, images: ImageSource = .checkout,
        progress: (String) -> Void = { _ in }
    ) throws {
        progress("making an owner's keys and secret in \(folder.path), which nobody else can read")
        let owner = try MachineOwner(in: folder)
        self.owner = owner
        let example = try String(contentsOfFile: Example.sealedWire.manifest(workspace), encoding: .utf8)
        let manifests = try SealedWireManifests(example: example, secret: owner.secret)
        func machine(_ name: String, _ yaml: String) throws -> SealedMachine {
            progress("signing the boot volume of the \(name) machine, and starting its TPM")
            return try SealedMachine(
                yaml: yaml, owner, in: folder.appending(path: name), workspace, images: images)
        }
        left = try machine("left", manifests.left)
        do { right = try machine("right", manifests.right) } catch {
            left.stop()
            throw error
        }
    }

    /// Starts each once without its secret, seals that, and starts both, with a network between their cards.
    /// - Parameters:
    ///   - port: a free one of the loopback interface.
    ///   - names: of the left one and the right one, as of `Testbed`.
    public func start(
        port: UInt16, names: (left: String, right: String), progress: @escaping @Sendable (String) -> Void = { _ in }
    ) throws -> (left: Testbed, right: Testbed) {
        // Alone, each has a card that nobody is at the other end of.
        let alone = Emulator.networkCard("user,id=outside,restrict=on")
        try left.provision(names.left, extra: alone, progress: progress)
        try right.provision(names.right, extra: alone, progress: progress)
        func start(_ machine: SealedMachine, _ name: String, _ end: String) throws -> Testbed {
            try machine.start(
                name, extra: Emulator.networkCard("socket,id=outside,\(end)=127.0.0.1:\(port)"), progress: progress)
        }
        let first = try start(left, names.left, "listen")
        do { return (first, try start(right, names.right, "connect")) } catch {
            first.stop()
            throw error
        }
    }

    /// The TPMs' end.
    public func stop() {
        left.stop()
        right.stop()
    }
}
