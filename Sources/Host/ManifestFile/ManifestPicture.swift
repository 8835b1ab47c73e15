import Manifest

/// Draws a manifest for a terminal: cores, memory, who owns what.
public struct ManifestPicture {
    let manifest: Manifest
    /// Columns.
    let width: Int
    /// Whether partitions have colours (ANSI).
    let hasColor: Bool

    /// The machine on which it is to run, where that is known.
    let machine: MachineFacts?

    /// A picture at least 60 columns wide.
    public init(_ manifest: Manifest, on machine: MachineFacts? = nil, width: Int = 80, hasColor: Bool = false) {
        self.manifest = manifest
        self.machine = machine
        self.width = min(max(width, 60), 120)
        self.hasColor = hasColor
    }

    public var text: String {
        let link = manifest.link == .none ? "no management link" : "management link: \(manifest.link.name)"
        let needs = "at least \(plural(manifest.machineCores, "core")) and \(sizeText(manifest.machineMemory))"
        let required = manifest.requires.nameList.joined(separator: " and ")
        let head =
            "\(paint(manifest.name.string, bold: true)) · \(needs) · \(link)"
            + (required.isEmpty ? "" : " · requires \(required)")
        return
            ([head, "", "Cores"] + cores + ["", "Memory"] + memory + ["", "Partitions"] + partitions + housekeeping
            + channels + ways)
            .joined(separator: "\n") + "\n"
    }

    /// A row of boxes, as many in a row as fit.
    private var cores: [String] {
        let owners = (0..<manifest.machineCores).map { core in
            manifest.partitionList.firstIndex { $0.cores.contains(CoreSet(core: core)) }
        }
        let names = owners.map { $0.map { manifest.partitions[$0].name.string } ?? "" }
        let cell = max(names.map(\.count).max() ?? 0, "housekeeping".count) + 2
        let perRow = max(1, (width - 3) / (cell + 1))
        var lines: [String] = []
        for start in stride(from: 0, to: manifest.machineCores, by: perRow) {
            let row = Array(start..<min(start + perRow, manifest.machineCores))
            let rule = String(repeating: "─", count: cell)
            func line(_ left: String, _ right: String, _ middle: String, _ cells: [String]) -> String {
                "  " + left + cells.joined(separator: middle) + right
            }
            lines.append(line("┌", "┐", "┬", row.map { _ in rule }))
            lines.append(line("│", "│", "│", row.map { " " + pad("\($0)", cell - 1) }))
            let named = row.map { paint(" " + pad(names[$0].isEmpty ? "-" : names[$0], cell - 1), owners[$0]) }
            lines.append(line("│", "│", "│", named))
            let roles = row.map { $0 == manifest.housekeeping ? "housekeeping" : "" }
            lines.append(line("│", "│", "│", roles.map { " " + pad($0, cell - 1) }))
            lines.append(line("└", "┘", "┴", row.map { _ in rule }))
        }
        return lines
    }

    /// A bar of the machine's memory in proportion, then one line for each piece.
    private var memory: [String] {
        let total = max(manifest.machineMemory, 1)
        let columns = width - 4
        var bar = ""
        var used = 0
        var given: UInt64 = 0
        for (index, spec) in manifest.partitionList.enumerated() {
            given += spec.memorySize
            let end = max(Int(Double(given) / Double(total) * Double(columns)), used + 1)
            guard end <= columns else { break }
            bar += paint(String(repeating: hasColor ? "█" : Self.patterns[index % 4], count: end - used), index)
            used = end
        }
        bar += String(repeating: "·", count: columns - used)
        let nameWidth = max(manifest.partitionList.map { $0.name.count }.max() ?? 0, "not given".count)
        var lines = ["  " + bar]
        for (index, spec) in manifest.partitionList.enumerated() {
            let mark = paint(hasColor ? "█" : Self.patterns[index % 4], index)
            let fixed = spec.fixedMemory.map { "\(hex($0.base)) to \(hex($0.end - 1))" }
            let name = pad(spec.name.string, nameWidth)
            let size = padLeft(sizeText(spec.memorySize), 10)
            lines.append("  \(mark) \(name) \(size)  \(fixed ?? "where the hypervisor finds room")")
        }
        let rest = sizeText(total > given ? total - given : 0)
        lines.append("  · \(pad("not given", nameWidth)) \(padLeft(rest, 10))  firmware, hypervisor, free")
        return lines
    }

    private var channels: [String] {
        guard manifest.channelCount > 0 else { return [] }
        return ["", "Channels"] + manifest.channelList.map { "  " + $0.summary(manifest) }
    }

    private static let patterns = ["█", "▒", "▓", "░"]

    private var partitions: [String] {
        var lines: [String] = []
        for (index, spec) in manifest.partitionList.enumerated() {
            let vcpus = plural(spec.cores.count, "vCPU")
            lines.append("  " + paint(spec.name.string, index, bold: true))
            var rows = [("cores", "\(spec.cores.ranges) (\(vcpus))"), ("memory", sizeText(spec.memorySize))]
            rows.append(("image", spec.image.string))
            if !spec.initrd.isEmpty { rows.append(("initrd", spec.initrd.string)) }
            if !spec.commandLine.isEmpty { rows.append(("command line", spec.commandLine.string)) }
            rows.append(("console", spec.virtio.contains(.console) ? "virtio" : spec.console ? "yes" : "none"))
            if spec.virtio.contains(.control) { rows.append(("control", "has a management link")) }
            if spec.tpm { rows.append(("TPM", "has the machine's")) }
            rows.append(("starts", spec.autostart ? "with the machine" : "when asked to"))
            rows.append(("on power-off", spec.onPoweroff.name))
            rows.append(("on reboot", spec.onReboot.name))
            rows.append(("on crash", spec.onCrash.name))
            if spec.watchdog != 0 { rows.append(("watchdog", "first kick within \(spec.watchdog) s")) }
            if spec.restartLimit != 0 { rows.append(("restarts", "at most \(spec.restartLimit) an hour")) }
            let permits = spec.permits == .all ? "everything" : spec.permits.nameList.joined(separator: ", ")
            rows.append(("permits", permits.isEmpty ? "nothing" : permits))
            for (k, device) in spec.devices.list.enumerated() { rows.append((k == 0 ? "devices" : "", device.summary)) }
            rows += spec.resources.rows
            if !spec.accepts.isEmpty { rows.append(("accepts", spec.accepts.nameList.joined(separator: ", "))) }
            if spec.secret != nil { rows.append(("secret", "opened by the TPM from \(spec.sealedPath.string)")) }
            if spec.watch.response != .off { rows.append(("watch", spec.watch.yaml)) }
            lines += rows.map { "    \(pad($0.0, 13)) \($0.1)" }
        }
        return lines
    }

    private func paint(_ text: String, _ partition: Int? = nil, bold: Bool = false) -> String {
        guard hasColor, partition != nil || bold else { return text }
        // Green, yellow, blue, magenta, cyan, then the bright ones: eight partitions, none of them red.
        let colors = [32, 33, 34, 35, 36, 92, 93, 94]
        var codes = partition.map { [colors[$0 % colors.count]] } ?? []
        if bold { codes.append(1) }
        return "\u{1B}[" + codes.map(String.init).joined(separator: ";") + "m" + text + "\u{1B}[0m"
    }
}

func pad(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(0, width - text.count))
}

private func padLeft(_ text: String, _ width: Int) -> String {
    String(repeating: " ", count: max(0, width - text.count)) + text
}

func plural(_ count: Int, _ word: String) -> String { "\(count) \(word)" + (count == 1 ? "" : "s") }

private func hex(_ value: UInt64) -> String { "0x" + String(value, radix: 16) }

/// `512 MiB`, `1.5 GiB`: as short as it can be without being wrong.
public func sizeText(_ bytes: UInt64) -> String {
    for (shift, unit) in [(40, "TiB"), (30, "GiB"), (20, "MiB"), (10, "KiB")] as [(UInt64, String)] {
        let size: UInt64 = 1 << shift
        guard bytes >= size else { continue }
        if bytes % size == 0 { return "\(bytes >> shift) \(unit)" }
        if bytes % (size / 2) == 0 { return "\(bytes >> shift).5 \(unit)" }
    }
    return "\(bytes) bytes"
}

/// One line: how many partitions, cores and bytes of memory.
public func summary(_ manifest: Manifest) -> String {
    let partitions = manifest.partitionList
    let cores = partitions.reduce(0) { $0 + $1.cores.count }
    let memory = partitions.reduce(0) { $0 + $1.memorySize }
    return "\(plural(partitions.count, "partition")) on \(cores) of at least \(plural(manifest.machineCores, "core")), "
        + "\(sizeText(memory)) of \(sizeText(manifest.machineMemory))"
}
