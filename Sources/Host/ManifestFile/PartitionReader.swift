import Manifest
import ManifestRules
import Yams

private let partitionKeys = [
    "name", "cores", "memory", "image", "command-line", "console", "control", "autostart", "on-poweroff", "on-reboot",
    "on-crash",
    "permit", "devices", "accept", "watchdog", "restart-limit", "ready", "watch",
    "cache", "bandwidth", "memory-key", "secret", "tpm",
]

extension FieldReader {
    mutating func partitionSpec(_ node: Node) -> PartitionSpec {
        var spec = PartitionSpec()
        let values = mapping(
            node, "a partition", known: partitionKeys,
            required: [("name", .name), ("cores", .cores), ("memory", .memorySize), ("image", .kernel)], field: .whole)
        if values.isEmpty { markBroken([.name, .cores, .memorySize, .kernel]) }
        text(values["name"], .name, into: &spec.name)
        if let node = values["cores"] { spec.cores = cores(node) }
        if let node = values["memory"] { memory(node, &spec) }
        if let node = values["image"] { image(node, &spec) }
        text(values["command-line"], .commandLine, into: &spec.commandLine)
        console(values["console"], &spec)
        if value(values["control"], .control, parseFlag) == true { spec.virtio.insert(.control) }
        if let flag = value(values["tpm"], .tpm, parseFlag) { spec.tpm = flag }
        if let flag = value(values["autostart"], .autostart, parseFlag) { spec.autostart = flag }
        if let action = action(values["on-poweroff"], .onPoweroff) { spec.onPoweroff = action }
        if let action = action(values["on-reboot"], .onReboot) { spec.onReboot = action }
        if let action = action(values["on-crash"], .onCrash) { spec.onCrash = action }
        if let node = values["permit"] { spec.permits = permits(node) }
        if let node = values["devices"] { spec.devices = devices(node) }
        if let node = values["accept"] {
            spec.accepts = flags(
                node, .accepts, Acceptances.names, "a weakness that can be accepted", hint: "write [split-smt]")
        }
        if let seconds = value(values["watchdog"], .watchdog, parseWatchdog) { spec.watchdog = seconds }
        if let limit = value(values["restart-limit"], .restartLimit, parseRestartLimit) { spec.restartLimit = limit }
        if let secret = value(values["secret"], .secret, parseSecret) { spec.secret = secret }
        readiness(values["ready"], spec)
        if let node = values["watch"] { spec.watch = watch(node, image: spec.image) }
        spec.resources = resources(values)
        return spec
    }

    /// `true`, `false`, or `virtio`, which has the UART too. Where the file says nothing, `manifest` decides, once it knows the channels.
    private mutating func console(_ node: Node?, _ spec: inout PartitionSpec) {
        guard node != nil else {
            if let partition { openConsoles.insert(partition) }
            return
        }
        let isVirtio = value(node, .console) { (text) throws(ValueError) in
            if text == "virtio" { return true }
            do throws(ValueError) { spec.console = try parseFlag(text) } catch {
                throw ValueError(reason: "\(quoted(text)) is neither true, false nor virtio", hint: error.hint)
            }
            return false
        }
        if isVirtio == true { spec.virtio.insert(.console) }
    }

    private mutating func action(_ node: Node?, _ field: ManifestField) -> LifecycleAction? {
        value(node, field) { (text) throws(ValueError) in try parseWord(text, LifecycleAction.names, "an action") }
    }

    /// `[1, 2]`, `1-2` or `1`; each item of a list may be a range.
    private mutating func cores(_ node: Node) -> CoreSet {
        guard case .sequence(let items) = node else { return value(node, .cores, parseCores) ?? CoreSet() }
        var set = CoreSet()
        for item in items {
            guard let part = value(item, .cores, parseCores) else { continue }
            if !set.intersection(part).isEmpty {
                fail(item.mark?.line, "core \(set.intersection(part).first) is named twice", field: .cores)
            }
            set.insert(part)
        }
        locate(.cores, node)
        return set
    }

    /// A size, or `{size: ..., at: ...}`.
    private mutating func memory(_ node: Node, _ spec: inout PartitionSpec) {
        locate(.memorySize, node)
        locate(.memoryBase, node)
        guard case .mapping = node else {
            if let size = value(node, .memorySize, parseSize) { spec.memorySize = size }
            return
        }
        let values = mapping(
            node, "memory", known: ["size", "at"], required: [("size", .memorySize)], field: .memorySize)
        if let size = value(values["size"], .memorySize, parseSize) { spec.memorySize = size }
        if let base = value(values["at"], .memoryBase, parseAddress) {
            spec.memoryBase = base
            if base == 0 {
                let line = values["at"]?.mark?.line
                let hint = "leave \"at\" out to let the hypervisor choose"
                fail(line, "address 0 cannot be given to a partition", hint: hint, field: .memoryBase)
            }
        }
    }

    /// A path, or `{kernel: ..., initrd: ...}`.
    private mutating func image(_ node: Node, _ spec: inout PartitionSpec) {
        guard case .mapping = node else { return path(node, .kernel, into: &spec.image) }
        let values = mapping(
            node, "image", known: ["kernel", "initrd"], required: [("kernel", .kernel)], field: .kernel)
        path(values["kernel"], .kernel, into: &spec.image)
        path(values["initrd"], .initrd, into: &spec.initrd)
    }

    /// A path on the boot volume. People write where the file lies on this machine.
    private mutating func path(_ node: Node?, _ field: ManifestField, into target: inout ImagePath) {
        if case .scalar(let scalar) = node, ["/", "~/", "./", "../"].contains(where: scalar.string.hasPrefix) {
            let parts = scalar.string.split(separator: "/").map(String.init)
            let folder = (scalar.string.hasPrefix("/") ? "/" : "") + parts.dropLast().joined(separator: "/")
            return fail(
                scalar.mark?.line,
                "\(quoted(scalar.string)) is a path of this machine; images are named as they lie on the boot volume",
                hint: "write \(quoted(parts.last ?? "vmlinuz")), and say by --images \(quoted(folder)) where it is",
                field: field)
        }
        text(node, field, into: &target)
    }

    /// A list of operations, or `all` or `none`.
    private mutating func permits(_ node: Node) -> ControlOperations {
        let known = ControlOperations.names
        if case .sequence = node {
            let names = known.map { (name: $0.name, value: $0.operation) }
            return flags(node, .permits, names, "an operation", hint: "write [start, stop] or all")
        }
        let words = [(name: "all", value: ControlOperations.all), (name: "none", value: ControlOperations())]
        let set = value(node, .permits) { (text) throws(ValueError) in
            if words.contains(where: { $0.name == text }) { return try parseWord(text, words, "") }
            // One operation without brackets means a list of one.
            throw ValueError(
                reason: "\(quoted(text)) is neither \"all\", \"none\" nor a list of operations",
                hint: known.contains { $0.name == text } ? "did you mean [\(text)]?" : "write [start, stop] or all")
        }
        return set ?? ControlOperations()
    }
}
