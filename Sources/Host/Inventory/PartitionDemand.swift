import Manifest
import ManifestFile

/// What somebody wants of a partition: `NAME:cores=1,memory=512M,device=00:03.0`.
public struct PartitionDemand: Sendable {
    /// How many.
    public var cores = 1
    public var spec = PartitionSpec()

    /// Why a demand cannot be read.
    public struct Malformed: Error, CustomStringConvertible {
        public var description: String
    }

    static let keys = ["cores", "memory", "device", "virtual-functions", "reset", "kernel", "initrd", "accept"]

    public init(_ text: String) throws(Malformed) {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 2, let name = Label(parts[0]), !name.isEmpty else {
            throw Malformed(description: "\(quoted(text)) is not NAME:cores=1,memory=512M,device=00:03.0")
        }
        spec.name = name
        spec.image = "vmlinux"
        do throws(ValueError) {
            for part in parts[1].split(separator: ",") { try read(String(part)) }
            guard spec.memorySize > 0 else { throw ValueError(reason: "there is no memory", hint: "add memory=512M") }
        } catch {
            throw Malformed(description: "\(quoted(text)): \(error.reason)" + (error.hint.map { "; \($0)" } ?? ""))
        }
    }

    private mutating func read(_ part: String) throws(ValueError) {
        let pair = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard pair.count == 2, Self.keys.contains(pair[0]) else {
            let help = ManifestFile.hint(for: pair[0], among: Self.keys)
            throw ValueError(reason: "\(quoted(part)) is not KEY=VALUE with a known key", hint: help)
        }
        let value = pair[1]
        switch pair[0] {
        case "cores":
            guard let count = parseNumber(value), 1...UInt64(Manifest.maxPartitionCores) ~= count else {
                let most = "1 to \(Manifest.maxPartitionCores)"
                throw ValueError(reason: "\(quoted(value)) is not a number of cores", hint: "write \(most)")
            }
            cores = Int(count)
        case "memory": spec.memorySize = try parseSize(value)
        case "device":
            var device = DeviceSpec()
            device.address = try parseFunction(value)
            guard spec.devices.append(device) else {
                throw ValueError(reason: "there are more than \(DeviceList.capacity) devices", hint: nil)
            }
        case "virtual-functions":
            let count = try parseVirtualFunctions(value)
            try changeLastDevice(pair[0]) { $0.virtualFunctions = count }
        case "reset":
            guard value == "none" else {
                throw ValueError(reason: "\(quoted(value)) is not a reset", hint: "write none")
            }
            try changeLastDevice(pair[0]) { $0.acceptsNoReset = true }
        case "accept":
            guard value == "split-smt" else {
                throw ValueError(reason: "\(quoted(value)) cannot be accepted", hint: "write split-smt")
            }
            spec.accepts.insert(.splitSMT)
        case "kernel": spec.image = try path(value)
        default: spec.initrd = try path(value)
        }
    }

    private func path(_ text: String) throws(ValueError) -> ImagePath {
        guard let path = ImagePath(text) else { throw ValueError(reason: "\(quoted(text)) is too long", hint: nil) }
        return path
    }

    private mutating func changeLastDevice(_ key: String, _ change: (inout DeviceSpec) -> Void) throws(ValueError) {
        guard spec.devices.count > 0 else {
            throw ValueError(reason: "\"\(key)\" belongs behind a device", hint: "write device=01:00.0,\(key)=...")
        }
        spec.devices.change(spec.devices.count - 1, change)
    }
}
