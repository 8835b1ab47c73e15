import Manifest
import ManifestRules
import Yams

extension FieldReader {
    /// Reads the whole file into a manifest. What cannot be read is a problem and stays at its default.
    mutating func manifest(_ root: Node) -> Manifest {
        var manifest = Manifest()
        locate(.whole, root)
        let values = mapping(
            root, "the manifest",
            known: [
                "name", "machine", "housekeeping", "link", "require", "security-version", "partitions", "channels",
            ],
            required: [("name", .machineName), ("housekeeping", .housekeeping), ("partitions", .partitions)],
            field: .whole)
        text(values["name"], .machineName, into: &manifest.name)
        if let node = values["housekeeping"] { housekeeping(node, &manifest) }
        if let link = value(
            values["link"], .link,
            { (text) throws(ValueError) in try parseWord(text, ManagementLink.names, "a management link") })
        {
            manifest.link = link
        }
        if let node = values["require"] {
            manifest.requires = flags(
                node, .requires, TrustAnchors.names, "something that can be required", hint: "write [secure-boot, tpm]")
        }
        if let version = value(values["security-version"], .securityVersion, parseSecurityVersion) {
            manifest.securityVersion = version
        }
        if let list = values["partitions"] { partitions(list, &manifest) }
        if let list = values["channels"] { channels(list, &manifest) }
        for partition in openConsoles { manifest.addConsole(partition) }
        machine(values["machine"], &manifest)
        return manifest
    }

    /// What the machine must have; what is left out follows from the partitions.
    private mutating func machine(_ node: Node?, _ manifest: inout Manifest) {
        let partitions = manifest.partitionList
        let highest = partitions.reduce(manifest.housekeeping) { max($0, $1.cores.last) }
        manifest.machineCores = highest + 1
        manifest.machineMemory = partitions.reduce(0) { $0 + min($1.memorySize, Manifest.addressLimit) }
        guard let node else { return }
        let values = mapping(node, "machine", known: ["cores", "memory"], field: .machineCores)
        if let cores = value(values["cores"], .machineCores, parseCount) { manifest.machineCores = cores }
        if let memory = value(values["memory"], .machineMemory, parseSize) { manifest.machineMemory = memory }
    }

    private mutating func partitions(_ node: Node, _ manifest: inout Manifest) {
        let list = list(node, .partitions, "partitions", most: Manifest.maxPartitions)
        for (index, node) in list.enumerated() {
            partition = index
            locate(.whole, node)
            manifest.append(partitionSpec(node))
        }
        partition = nil
    }

    private func parseCount(_ text: String) throws(ValueError) -> Int {
        guard let number = parseNumber(text) else {
            throw ValueError(reason: "\(quoted(text)) is not a whole number", hint: nil)
        }
        return Int(clamping: number)
    }
}
