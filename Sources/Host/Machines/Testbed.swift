import ControlClient
import Foundation
import KernelImages
import Manifest
import ManifestFile
import Text

/// An emulated machine made from a manifest: booted, watched, its management link shared with other tools.
public final class Testbed {
    public let manifest: Manifest
    public let machine: Machine
    public let emulator: Emulator
    public let watch: MachineWatch
    /// Where other tools reach the same machine.
    public let socket: URL
    private let broker: LinkBroker

    /// Switches the machine on and waits until the hypervisor answers on the management link.
    /// - Parameters:
    ///   - file: the manifest, as YAML. It must grant `link: serial`.
    ///   - kind: whose processors the machine has.
    ///   - name: what the disk image, the log and the socket's folder are called in the checkout's `.cache`.
    ///   - hypervisor: another one than the checkout's.
    ///   - firmware: what stands for firmware, see `BootVolumeImage`.
    ///   - files: more of them for the boot volume.
    ///   - iommu: which one the machine has.
    ///   - com1Rate: as of `Emulator`.
    ///   - extra: for the emulator's command line or configuration.
    ///   - images: where the manifest's images are looked for.
    ///   - checksImages: whether an image that its loader would refuse is refused before the machine is switched on.
    ///   - progress: told what is going on, one short line a step.
    /// - Throws: `ManifestRefused`, `MachineError`, `LinkError`.
    public convenience init(
        manifest file: String, _ workspace: Workspace, kind: MachineKind = .amd, name: String,
        hypervisor: URL? = nil, firmware: URL? = nil, files: [BootVolumeImage.Image] = [], iommu: EmulatedIOMMU? = nil,
        com1Rate: Int? = nil, extra: [String] = [], images: ImageSource = .checkout, checksImages: Bool = true,
        progress: @escaping @Sendable (String) -> Void = { _ in }
    ) throws {
        var (manifest, volume) = try BootVolumeImage.compile(
            file, workspace, images: images, checksImages: checksImages)
        volume.hypervisor = hypervisor ?? volume.hypervisor
        volume.firmware = firmware
        volume.images += files
        var emulator = Emulator(kind, for: manifest)
        emulator.extra = extra
        emulator.iommu = iommu
        emulator.com1Rate = com1Rate
        try self.init(
            manifest, volume, emulator, workspace, name: name, readiness: readReadiness(file), progress: progress)
    }

    /// The same with a boot volume that is made already.
    /// - Parameters:
    ///   - manifest: the volume's.
    ///   - readiness: when each partition's guest counts as ready, by its index.
    public init(
        _ manifest: Manifest, _ volume: BootVolumeImage, _ emulator: Emulator, _ workspace: Workspace, name: String,
        readiness: [Int: Readiness], progress: @escaping @Sendable (String) -> Void = { _ in }
    ) throws {
        guard manifest.link == .serial else {
            throw MachineError.missing(
                file: "a management link in the manifest of \(BootVolumeImage.words(manifest.name))",
                hint: "nothing can be watched without `link: serial`")
        }
        let disk = workspace.cache.appending(path: "boot/\(name).img")
        progress("making the boot volume")
        try volume.writeImage(to: disk)
        progress("switching the machine on: \(emulator.cores) cores, \(emulator.memory >> 20) MiB")
        let machine = try Machine(emulator, volume: disk, log: workspace.cache.appending(path: "boot/\(name).log")) {
            if $0.hasPrefix(Machine.prefix) { progress($0) }
        }
        let socket = workspace.cache.appending(path: "run/\(name)/link.sock")
        do {
            try machine.waitForHypervisor()
            try FileManager.default.createDirectory(
                at: socket.deletingLastPathComponent(), withIntermediateDirectories: true)
            broker = try LinkBroker(machine: machine.link.path, path: socket.path, timeouts: machine.timeouts)
            let limit = Duration.seconds(90 * emulator.kind.slowness)
            watch = try machine.explaining {
                try MachineWatch(machine, path: socket.path, limit: limit, readiness: readiness)
            }
        } catch {
            machine.stop()
            throw error
        }
        (self.manifest, self.machine, self.emulator, self.socket) = (manifest, machine, emulator, socket)
    }

    /// Refreshes the watch a few times a second until `done`; false when the time is over first.
    /// - Parameter seconds: as of `Machine.deadline`.
    /// - Throws: `LinkError`, or `MachineError.ended` when the machine ends meanwhile.
    public func refresh(seconds: Double, until done: (MachineWatch) -> Bool) throws -> Bool {
        let deadline = machine.deadline(seconds: seconds)
        while true {
            try machine.explaining { try watch.refresh() }
            if done(watch) { return true }
            try machine.requireRunning()
            if deadline.isOver { return false }
            Thread.sleep(forTimeInterval: 0.25)
        }
    }

    /// What a partition boots, for a machine that runs it without the hypervisor.
    /// - Parameter index: in the manifest's order.
    public func directKernel(partition index: Int) throws -> Emulator.DirectKernel {
        let partition = manifest.partitions[index]
        return .init(
            kernel: try BootVolumeImage.locate(BootVolumeImage.words(partition.image)),
            initrd: try BootVolumeImage.locate(BootVolumeImage.words(partition.initrd)),
            commandLine: BootVolumeImage.words(partition.commandLine))
    }

    public func stop() {
        broker.stop()
        machine.stop()
    }
}

extension Emulator {
    /// With the cores and the memory that a manifest asks for.
    public init(_ kind: MachineKind, for manifest: Manifest) {
        self.init(kind)
        cores = max(manifest.machineCores, 1)
        memory = max(manifest.machineMemory, 512 << 20)
    }
}

extension BootVolumeImage {
    /// Reads a manifest and names every file of its boot volume.
    /// - Parameter checksImages: whether partitions' loaders are run on their images.
    /// - Throws: `ManifestRefused` with all that is wrong with it, `MachineError` when a file is missing.
    public static func compile(
        _ file: String, _ workspace: Workspace, images source: ImageSource = .checkout, checksImages: Bool = true
    ) throws -> (manifest: Manifest, volume: BootVolumeImage) {
        let (manifest, bytes) = try compileManifest(file, images: source, isLoading: checksImages)
        var images: [Image] = []
        for index in 0..<manifest.partitionCount {
            let partition = manifest.partitions[index]
            for path in [words(partition.image), words(partition.initrd)] where !path.isEmpty {
                images.append(Image(path: path, source: try locate(path, source)))
            }
            // Until somebody has sealed it on that machine, its guest has none.
            if partition.secret != nil, let sealed = try? source.locate(words(partition.sealedPath)) {
                images.append(Image(path: words(partition.sealedPath), source: sealed))
            }
            if partition.watch.response != .off { images.append(try sites(words(partition.image), source, workspace)) }
        }
        guard FileManager.default.fileExists(atPath: workspace.hypervisor.path) else {
            throw MachineError.missing(file: workspace.hypervisor.path, hint: "./bulkhead demo and test build it")
        }
        return (manifest, BootVolumeImage(hypervisor: workspace.hypervisor, manifest: bytes, images: images))
    }

    /// Where the kernel of a partition that is watched patches itself.
    private static func sites(
        _ path: String, _ source: ImageSource, _ workspace: Workspace
    ) throws(MachineError) -> Image {
        let kernel = try locate(path, source), target: URL
        do { target = try KernelSites.file(for: kernel, in: workspace.cache.appending(path: "sites")) } catch {
            throw .missing(
                file: "what the watch has to know of \(path)", hint: "\(error); `watch` is for Debian's Linux kernels")
        }
        return Image(path: path + ".sites", source: target)
    }

    fileprivate static func locate(
        _ path: String, _ source: ImageSource = .checkout
    ) throws(MachineError) -> URL {
        do { return try source.locate(path) } catch {
            throw .missing(file: path, hint: error.hint ?? error.reason)
        }
    }

    fileprivate static func words<let n: Int>(_ text: Text<n>) -> String {
        String(decoding: (0..<text.count).map { text.bytes[$0] }, as: UTF8.self)
    }
}
