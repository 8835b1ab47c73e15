import Manifest
import ManifestFile
import ManifestRules
import Text

let gibibyte: UInt64 = 1 << 30
let mebibyte: UInt64 = 1 << 20

/// Two partitions on a four-core machine of 4 GiB.
func sample() -> Manifest {
    var manifest = Manifest()
    manifest.name = "sample"
    manifest.machineCores = 4
    manifest.machineMemory = 4 * gibibyte
    manifest.housekeeping = 0
    manifest.link = .serial
    var first = PartitionSpec()
    first.name = "control-loop"
    first.cores = CoreSet(core: 1)
    first.memorySize = 512 * mebibyte
    first.image = "vmlinux-rt"
    first.initrd = "control-loop.cpio"
    first.commandLine = "console=ttyS0 quiet"
    first.onCrash = .restart
    first.permits = .all
    manifest.append(first)
    var second = PartitionSpec()
    second.name = "workload"
    second.cores = CoreSet(core: 2).union(CoreSet(core: 3))
    second.memorySize = gibibyte
    second.memoryBase = 0x4000_0000
    second.image = "guests/vmlinux-cloud"
    second.console = false
    second.autostart = false
    second.onReboot = .stop
    second.onPoweroff = .restart
    second.permits = ControlOperations.start.union(.statistics)
    manifest.append(second)
    return manifest
}

/// The sample, changed.
func sample(_ change: (inout Manifest) -> Void) -> Manifest {
    var manifest = sample()
    change(&manifest)
    return manifest
}

func encoded(_ manifest: borrowing Manifest) throws -> [UInt8] {
    var buffer = [UInt8](repeating: 0, count: Manifest.maxEncodedSize)
    let count = try manifest.encode(into: buffer.mutableSpan)
    return Array(buffer[..<count])
}

func decoded(_ bytes: [UInt8]) throws(ManifestError) -> Manifest {
    var manifest = Manifest()
    try manifest.decode(bytes.span)
    return manifest
}

/// The problems of a manifest, in the order of their report.
func problems(_ manifest: Manifest) -> [ManifestRefusal] {
    var found: [ManifestRefusal] = []
    manifest.forEachProblem { found.append($0) }
    return found
}

/// What the tool says of a refusal of root mode's.
func sentence(_ error: ManifestError, _ manifest: Manifest) -> String { ManifestRefusal(error).sentence(manifest) }

/// What the hypervisor says on its console.
func consoleSentence(_ error: ManifestError, _ manifest: Manifest) -> String { error.sentence(manifest) }

/// A manifest's text whose images nobody looks at, as the file `m.yaml`.
func parsed(_ text: String) throws -> Manifest { try parseManifest(text, file: "m.yaml", images: .unchecked) }

/// Why that is refused; nil where it is not.
func parseProblem(_ text: String) -> String? {
    do throws(ManifestRefused) {
        _ = try parseManifest(text, file: "m.yaml", images: .unchecked)
        return nil
    } catch { return error.description }
}
