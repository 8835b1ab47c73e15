import ManifestFile

/// What the processor's makers have found since, as Linux sees it.
struct ErrataCheck {
    let tree: FileTree
    let info: ProcessorInfo

    var requirement: Requirement {
        let folder = "sys/devices/system/cpu/vulnerabilities"
        let names = tree.names(folder)
        let microcode = info.microcode.map { "microcode \($0)" } ?? "microcode unknown"
        // Where a mitigation needs microcode that is not there Linux says so.
        let open = names.filter { name in
            let text = tree.text("\(folder)/\(name)") ?? ""
            return text.hasPrefix("Vulnerable") || text.contains("no microcode")
        }
        guard !open.isEmpty else {
            return Requirement("errata", names.isEmpty ? .unknown : .met, microcode)
        }
        return Requirement(
            "errata", .limited, "\(microcode); Linux calls it vulnerable to \(open.joined(separator: ", "))",
            advice:
                "install the newest firmware of this machine: it brings the processor's microcode, and the hypervisor "
                + "loads none")
    }
}
