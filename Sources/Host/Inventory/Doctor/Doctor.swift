import ManifestFile

/// What a machine has, and whether the hypervisor runs on it.
public struct Doctor {
    public let inventory: Inventory
    public let diagnosis: Diagnosis

    /// From Linux on the machine itself, or from folders recorded on it.
    /// - Parameter root: the folder that has `sys`, `proc` and, where registers were recorded, `dev`.
    public init(linux root: String) {
        let tree = FileTree(root: root)
        let info = ProcessorInfo(tree)
        inventory = Inventory(linux: root)
        let processor = ProcessorCheck(info: info, registers: RecordedRegisters(tree))
        diagnosis = Diagnosis(
            machine: inventory.name, processor: inventory.processor,
            requirements: processor.requirements + FirmwareCheck(tree: tree).requirements
                + ResourceCheck(inventory: inventory).requirements + [ErrataCheck(tree: tree, info: info).requirement])
    }

    /// From what the hypervisor found when it started there.
    public init(running inventory: Inventory) {
        self.inventory = inventory
        diagnosis = Diagnosis(
            machine: inventory.name, processor: inventory.processor,
            requirements: [Requirement("hypervisor", .met, "it runs")]
                + ResourceCheck(inventory: inventory).requirements
        )
    }
}
