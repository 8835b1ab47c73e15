import Foundation
import ManifestFile

/// What `/proc/cpuinfo` says.
struct ProcessorInfo {
    /// `GenuineIntel`, `AuthenticAMD`.
    var vendor = ""
    var model: String?
    var microcode: String?
    var flags: Set<String> = []
    /// What Linux names of VMX (from 5.10 on): `ept`, `vpid`, `unrestricted_guest`.
    var vmxFlags: Set<String> = []
    var apicIds: [Int: UInt32] = [:]
    /// Of physical addresses.
    var addressBits: Int?

    init(_ tree: FileTree) {
        var cpu: Int?
        for line in (tree.text("proc/cpuinfo") ?? "").split(separator: "\n") {
            let parts = line.split(separator: ":", maxSplits: 1)
            guard parts.count == 2 else { continue }
            let value = parts[1].trimmingCharacters(in: .whitespaces)
            switch parts[0].trimmingCharacters(in: .whitespaces) {
            case "processor": cpu = Int(value)
            case "vendor_id": vendor = value
            case "model name": model = model ?? value
            case "microcode": microcode = microcode ?? value
            case "flags" where flags.isEmpty: flags = Set(value.split(separator: " ").map(String.init))
            case "vmx flags" where vmxFlags.isEmpty: vmxFlags = Set(value.split(separator: " ").map(String.init))
            case "address sizes": addressBits = value.split(separator: " ").first.flatMap { Int($0) }
            case "apicid": if let cpu { apicIds[cpu] = UInt32(value) }
            default: break
            }
        }
    }
}

/// Of processors with two kinds of cores, Linux' number and kind of each: Intel's are two devices that count events.
func coreKinds(_ tree: FileTree) -> [Int: String] {
    var kinds: [Int: String] = [:]
    for (name, kind) in [("cpu_core", "performance"), ("cpu_atom", "efficiency")] {
        for cpu in processorSet(tree.text("sys/devices/\(name)/cpus") ?? "") { kinds[cpu] = kind }
    }
    return kinds
}
