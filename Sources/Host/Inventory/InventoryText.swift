import ManifestFile
import ManifestRules

extension Inventory {
    /// For people, in the order in which a manifest is written.
    public var text: String {
        let processor = processor.map { ", \($0)" } ?? ""
        let origin = source == "linux" ? "as Linux sees it" : "as the hypervisor found it at boot"
        var lines = ["\(shown(name))\(shown(processor)): \(origin)", "", "Cores"]
        let hasKinds = cores.contains { $0.kind != nil }
        lines += table(
            ["CORE", "PACKAGE", "PHYSICAL CORE", "THREAD", "APIC ID"] + (hasKinds ? ["KIND"] : []),
            cores.map {
                ["\($0.index)", "\($0.package)", "\($0.core)", "\($0.thread)", $0.apicId.map(String.init) ?? "-"]
                    + (hasKinds ? [shown($0.kind ?? "-")] : [])
            })
        lines += coreNotes.map { "  note: \($0)" }
        lines += ["", "Caches"]
        lines += table(
            ["CACHE", "SIZE", "WAYS", "SHARED BY CORES"],
            caches.map {
                let kind = $0.type == "unified" ? "" : " \($0.type)"
                let ways = $0.ways.map(String.init) ?? "-"
                return ["L\($0.level)\(kind)", sizeText($0.sizeBytes), ways, ranges($0.cores)]
            })
        lines += ["", "Memory: \(sizeText(memory.installedBytes))"]
        lines += memory.ranges.map { "  0x\(hexText($0.base, 1)) to 0x\(hexText($0.base &+ $0.sizeBytes &- 1, 1))" }
        lines += ["", "PCI functions"]
        lines += table(
            ["FUNCTION", "ID", "CLASS", "GROUP", "RESET", "INTERRUPTS", "VIRTUAL", "MEMORY", "DRIVER", "KIND"],
            functions.map { row($0) })
        lines += functions.compactMap { function in
            function.isOfTheMachine ? nil : function.obstacle.map { "  \(function.address) cannot be owned: \($0)" }
        }
        let units = iommus.map { unit in
            unit.kind + (unit.name.map { " \($0)" } ?? unit.registers.map { " at 0x\(hexText($0, 1))" } ?? "")
        }
        lines += ["", "IOMMUs: " + (units.isEmpty ? "none" : units.joined(separator: ", "))]
        if !usableIommu {
            let cause = iommuProblem.map { ": " + $0 } ?? ""
            lines.append("  partitions cannot own functions here\(cause)")
        }
        lines += allocationText
        lines.append("Encryption and allocation: " + (features.isEmpty ? "none" : features.joined(separator: ", ")))
        return printable(lines.joined(separator: "\n"), lines: true) + "\n"
    }

    private func row(_ function: Function) -> [String] {
        let memory = function.bars.filter { $0.kind == "memory" }.reduce(0) { $0 &+ $1.sizeBytes }
        let virtual =
            function.virtualFunctions.map { "\($0.total)" } ?? function.physicalFunction.map { "of \($0)" } ?? "-"
        let reset = function.resets.isEmpty ? "none" : function.resets.joined(separator: ",")
        return [
            function.address, function.id, function.classCode, function.group ?? "?", reset,
            function.interrupts.map { $0.isEmpty ? "none" : $0.joined(separator: ",") } ?? "?", virtual,
            memory == 0 ? "-" : sizeText(memory), shown(function.driver ?? "-"),
            shown(function.name ?? kind(of: function.classCode)),
        ]
    }

    /// What to know of the cores' numbers.
    var coreNotes: [String] {
        var notes: [String] = []
        if coreNumbers == "linux" {
            notes.append(
                "cores are numbered as Linux does (cpuN); manifests number them as the firmware's table lists them, which "
                    + "only root may read")
        }
        if let offline, !offline.isEmpty {
            notes.append("Linux has switched off its processors \(ranges(offline)); they are not listed")
        }
        return notes
    }

    private func ranges(_ list: [Int]) -> String {
        var parts: [String] = []
        var rest = list[...]
        while let first = rest.popFirst() {
            var last = first
            while rest.first == last &+ 1 { last = rest.removeFirst() }
            parts.append(first == last ? "\(first)" : "\(first)-\(last)")
        }
        return parts.joined(separator: ",")
    }
}

/// Text from a machine, made harmless for a terminal.
private func shown(_ text: String) -> String {
    String(text.unicodeScalars.map { 0x20...0x7E ~= $0.value ? Character($0) : "?" })
}

private func table(_ header: [String], _ rows: [[String]]) -> [String] {
    let all = [header] + rows
    let widths = header.indices.map { column in all.map { $0[column].count }.max() ?? 0 }
    return all.map { row in
        let cells = row.enumerated().map { $1 + String(repeating: " ", count: widths[$0] - $1.count) }
        var line = "  " + cells.joined(separator: "  ")
        while line.last == " " { line.removeLast() }
        return line
    }
}

/// What a class code means, for the classes that people give to partitions (PCI Code and ID Assignment 1.15).
private func kind(of classCode: String) -> String {
    let known = [
        "0100": "SCSI", "0101": "IDE", "0104": "RAID", "0106": "SATA", "0107": "SAS", "0108": "NVMe", "0180": "storage",
        "0200": "Ethernet", "0207": "InfiniBand", "0280": "network", "0300": "VGA", "0302": "3D", "0380": "display",
        "0401": "audio", "0403": "audio", "0500": "memory", "0600": "host bridge", "0601": "ISA bridge",
        "0604": "PCI bridge", "0700": "serial port", "0780": "communication", "0806": "IOMMU", "0880": "system",
        "0c03": "USB", "0c05": "SMBus", "1000": "encryption", "1200": "accelerator",
    ]
    return known[String(classCode.prefix(4))] ?? "-"
}
