import Manifest

/// A manifest as YAML that compiles to the same bytes again. Every key is written, also where it has its default.
public func manifestYAML(_ manifest: Manifest) -> String {
    var lines = [
        "name: \(literal(manifest.name.string))",
        "machine:",
        "  cores: \(manifest.machineCores)",
        "  memory: \(exactSize(manifest.machineMemory))",
        housekeepingYAML(manifest),
        "link: \(manifest.link.name)",
    ]
    if !manifest.requires.isEmpty {
        lines.append("require: [\(manifest.requires.nameList.joined(separator: ", "))]")
    }
    if manifest.securityVersion != 0 { lines.append("security-version: \(manifest.securityVersion)") }
    lines.append("partitions:")
    for spec in manifest.partitionList {
        lines.append("  - name: \(literal(spec.name.string))")
        lines.append("    cores: [\(spec.cores.list.map(String.init).joined(separator: ", "))]")
        if spec.memoryBase == 0 {
            lines.append("    memory: \(exactSize(spec.memorySize))")
        } else {
            let base = "0x" + String(spec.memoryBase, radix: 16)
            lines.append("    memory: {size: \(exactSize(spec.memorySize)), at: \(base)}")
        }
        lines.append("    image:")
        lines.append("      kernel: \(literal(spec.image.string))")
        if !spec.initrd.isEmpty { lines.append("      initrd: \(literal(spec.initrd.string))") }
        lines.append("    command-line: \(literal(spec.commandLine.string))")
        lines.append("    console: \(spec.consoleWord)")
        if spec.virtio.contains(.control) { lines.append("    control: true") }
        if spec.tpm { lines.append("    tpm: true") }
        lines.append("    autostart: \(spec.autostart)")
        lines.append("    on-poweroff: \(spec.onPoweroff.name)")
        lines.append("    on-reboot: \(spec.onReboot.name)")
        lines.append("    on-crash: \(spec.onCrash.name)")
        lines.append("    permit: [\(spec.permits.nameList.joined(separator: ", "))]")
        if spec.devices.count > 0 { lines.append("    devices:") }
        lines += spec.devices.list.map { "      - {\($0.yaml)}" }
        if spec.watch.response != .off { lines.append("    watch: {\(spec.watch.yaml)}") }
        lines += spec.resources.yaml.map { "    " + $0 }
        if !spec.accepts.isEmpty { lines.append("    accept: [\(spec.accepts.nameList.joined(separator: ", "))]") }
        if spec.watchdog != 0 { lines.append("    watchdog: \(spec.watchdog)s") }
        if let secret = spec.secret { lines.append("    secret: \(secret.text)") }
        if spec.restartLimit != 0 { lines.append("    restart-limit: \(spec.restartLimit)") }
    }
    if manifest.channelCount > 0 { lines.append("channels:") }
    lines += manifest.channelList.flatMap { $0.yaml(manifest) }
    return lines.joined(separator: "\n") + "\n"
}

extension PartitionSpec {
    /// What the YAML file has behind `console`.
    var consoleWord: String { virtio.contains(.console) ? "virtio" : "\(console)" }
}

/// In single quotes, where nothing but the quote itself has a meaning. Valid manifests hold printable ASCII only.
private func literal(_ text: String) -> String {
    "'" + text.map { $0 == "'" ? "''" : String($0) }.joined() + "'"
}

/// The size in the largest unit that leaves no rest, as `parseSize` reads it; sizes of partitions are whole MiB.
func exactSize(_ bytes: UInt64) -> String {
    for (shift, unit) in [(40, "T"), (30, "G"), (20, "M"), (10, "K")] where bytes != 0 && bytes % (1 << shift) == 0 {
        return "\(bytes >> shift)\(unit)"
    }
    return bytes == 0 ? "0K" : "\(bytes)B"
}
