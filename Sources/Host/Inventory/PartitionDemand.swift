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

    static let keys = [
        "cores", "memory", "device", "virtual-functions", "reset", "kernel", "initrd", "accept", "permit", "on-crash",
        "l3", "l2", "bandwidth", "memory-key",
        "command-line",
    ]

    /// What a partition has where its demand does not say it.
    public struct Defaults: Sendable {
        public var kernel: ImagePath = "vmlinux-cloud"
        public var initrd: ImagePath = "workload.cpio"
        public var permits = ControlOperations.all
        public var onCrash = LifecycleAction.restart
        /// nil: one with which a Linux boots and says so on its console.
        public var commandLine: CommandLine?
        public init() {}

        /// False, and nothing changed, when it is longer than a manifest's.
        public mutating func setCommandLine(_ text: String) -> Bool {
            guard let line = CommandLine(text) else { return false }
            commandLine = line
            return true
        }
    }

    /// - Parameter text: `NAME:` and terms with commas between them; a command line is the last one, and may have commas.
    public init(_ text: String, _ defaults: Defaults = Defaults()) throws(Malformed) {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 2, let name = Label(parts[0]), !name.isEmpty else {
            throw Malformed(description: "\(quoted(text)) is not NAME:cores=1,memory=512M,device=00:03.0")
        }
        spec.name = name
        (spec.permits, spec.onCrash) = (defaults.permits, defaults.onCrash)
        do throws(ValueError) {
            let key = "command-line="
            var terms = parts[1]
            var line = defaults.commandLine
            if let found = terms.range(of: key),
                found.lowerBound == terms.startIndex || terms[..<found.lowerBound].last == ","
            {
                line = try commandLine(String(terms[found.upperBound...]))
                terms = String(terms[..<found.lowerBound])
            }
            for part in terms.split(separator: ",") { try read(String(part)) }
            // An initrd belongs to its kernel: who names a kernel of his own gets none of ours.
            if spec.image.isEmpty {
                (spec.image, spec.initrd) = (defaults.kernel, spec.initrd.isEmpty ? defaults.initrd : spec.initrd)
            }
            spec.commandLine = line ?? Self.usualCommandLine(hasDevices: spec.devices.count > 0)
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
            guard let found = Acceptances.names.first(where: { $0.name == value }) else {
                let known = Acceptances.names.map(\.name).joined(separator: " or ")
                throw ValueError(reason: "\(quoted(value)) cannot be accepted", hint: "write \(known)")
            }
            spec.accepts.insert(found.value)
        case "l3": spec.resources.l3 = try parseCache(value)
        case "l2": spec.resources.l2 = try parseCache(value)
        case "bandwidth": spec.resources.bandwidth = try parseBandwidth(value)
        case "memory-key": spec.resources.memoryKey = try parseMemoryKey(value)
        case "kernel": spec.image = try path(value)
        case "permit":
            // A comma ends the term.
            let names = value == "all" || value == "none" ? [value] : value.split(separator: "+").map(String.init)
            spec.permits = try Self.permits(names)
        case "on-crash": spec.onCrash = try Self.action(value)
        default: spec.initrd = try path(value)
        }
    }

    /// `all`, `none`, or operations by name.
    package static func permits(_ names: [String]) throws(ValueError) -> ControlOperations {
        if names == ["all"] { return .all }
        if names == ["none"] { return ControlOperations() }
        var set = ControlOperations()
        for name in names {
            guard let found = ControlOperations.names.first(where: { $0.name == name }) else {
                throw ValueError(
                    reason: "\(quoted(name)) is not an operation",
                    hint: ManifestFile.hint(for: name, among: ControlOperations.names.map(\.name)))
            }
            set.insert(found.operation)
        }
        return set
    }

    package static func action(_ text: String) throws(ValueError) -> LifecycleAction {
        guard let found = [LifecycleAction.stop, .restart].first(where: { $0.name == text }) else {
            throw ValueError(reason: "\(quoted(text)) is not an action", hint: "write stop or restart")
        }
        return found
    }

    /// A Linux says on its console what it does, and does not look for what the partition has not (Examples/demo.yaml says why).
    static func usualCommandLine(hasDevices: Bool) -> CommandLine {
        let words = "console=ttyS0 loglevel=4 reserve=0x2e,2,0x4e,2 8250.nr_uarts=1"
        return CommandLine(hasDevices ? words : words + " pci=off") ?? CommandLine()
    }

    private func commandLine(_ text: String) throws(ValueError) -> CommandLine {
        guard let line = CommandLine(text) else {
            throw ValueError(reason: "the command line is too long", hint: nil)
        }
        return line
    }

    private func path(_ text: String) throws(ValueError) -> ImagePath {
        guard let path = ImagePath(text) else { throw ValueError(reason: "\(quoted(text)) is too long", hint: nil) }
        return path
    }

    private mutating func changeLastDevice(_ key: String, _ change: (inout DeviceSpec) -> Void) throws(ValueError) {
        guard spec.devices.count > 0 else {
            throw ValueError(reason: "\"\(key)\" belongs behind a device", hint: "write device=01:00.0,\(key)=...")
        }
        change(&spec.devices[spec.devices.count - 1])
    }
}
