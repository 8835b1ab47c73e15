import Foundation
import Link
import Machines
import Manifest

/// The emulated machine of a demo: switched on, its management link shared with other tools.
final class DemoMachine {
    let manifest: Manifest
    let machine: Machine
    let emulator: Emulator
    let watch: MachineWatch
    private let broker: LinkBroker?

    /// Switches the machine on and waits until the hypervisor answers on the management link.
    /// - Parameter progress: told what is going on, one short line a step.
    init(_ options: VolumeOptions, _ workspace: Workspace, progress: @escaping @Sendable (String) -> Void) throws {
        let (manifest, volume) = try options.compile(workspace)
        self.manifest = manifest
        guard manifest.link == .serial else {
            throw MachineError.missing(
                file: "a management link", hint: "a demo needs `link: serial` in the manifest to show anything")
        }
        let disk = workspace.cache.appending(path: "boot/\(manifest.name.string).img")
        progress("making the boot volume")
        try volume.writeImage(to: disk)
        var emulator = Emulator()
        emulator.cores = max(manifest.machineCores, 1)
        emulator.memory = max(manifest.machineMemory, 512 << 20)
        self.emulator = emulator
        progress("switching the machine on: \(emulator.cores) cores, \(emulator.memory >> 20) MiB")
        let machine = try Machine(
            emulator, volume: disk, log: workspace.cache.appending(path: "boot/\(manifest.name.string).log")
        ) { line in
            if line.hasPrefix(Machine.prefix) { progress(line) }
        }
        self.machine = machine
        do {
            try machine.waitForHypervisor()
            let socket = workspace.cache.appending(path: "run/link.sock")
            try FileManager.default.createDirectory(
                at: socket.deletingLastPathComponent(), withIntermediateDirectories: true)
            let broker = try LinkBroker(machine: machine.link.path, path: socket.path)
            self.broker = broker
            watch = try machine.explaining { try MachineWatch(path: socket.path, limit: .seconds(90)) }
        } catch {
            machine.stop()
            throw error
        }
    }

    func stop() {
        broker?.stop()
        machine.stop()
    }
}
