import Manifest
import ManifestFile
import PCI
import Remapping

/// The hypervisor's own scan, of configuration space as Linux shows it to root, and what its checks say of each function.
struct FunctionScan {
    private let list: FunctionList
    private let space: RecordedSpace
    private let ranges: MachineRanges
    /// What the firmware's map of memory has, other than registers.
    private let memory: [Range<UInt64>]

    /// nil when configuration space cannot be read beyond its first 64 bytes, or has more functions than the hypervisor has
    /// room for.
    init?(_ tree: FileTree, _ names: [String], _ firmware: FirmwareFindings) {
        var contents: [UInt16: [UInt8]] = [:], sizes: [UInt16: [UInt64]] = [:]
        for name in names {
            guard let address = FunctionAddress(String(name.dropFirst(5))) else { continue }
            let path = "\(functionFolder)/\(name)"
            guard let bytes = tree.bytes("\(path)/config"), bytes.count >= 256 else { return nil }
            contents[address.requester] = bytes
            sizes[address.requester] = resources(tree.text("\(path)/resource") ?? "").map {
                $0.size & ($0.size &- 1) == 0 ? $0.size : 0
            }
        }
        space = RecordedSpace(contents: contents, resources: sizes)
        var list = FunctionList()
        let units = firmware.remapping.topology
        guard !contents.isEmpty,
            list.scan(
                space, alias: { units?.alias(of: $0) }, isReserved: { units?.isReserved($0) ?? false })
        else { return nil }
        self.list = list
        var ranges = MachineRanges(addressBits: ProcessorInfo(tree).addressBits ?? 47)
        ranges.add(mcfg: firmware.mcfg.span)
        if let units {
            for i in 0..<units.units.count { ranges.add(unit: units.units[i].registers) }
        }
        for address in firmware.interrupts?.ioAPICAddresses ?? [] { ranges.add(address, 0x1000) }
        self.ranges = ranges
        memory = memoryMap(tree)
    }

    /// nil where the scan does not come by.
    func function(at address: FunctionAddress) -> FunctionDescription? {
        list.index(of: address).map { list.functions[$0] }
    }

    /// How it can interrupt: `msi`, `msi-x`, `pin`.
    func interrupts(of address: FunctionAddress) -> [String]? {
        guard let found = function(at: address) else { return nil }
        // The pin's number, 0 without one (PCI Express Base 6.0, section 7.5.1.1.13).
        let hasPin = 1...4 ~= space.read(address.requester, 0x3D, size: 1)
        return (found.msi != 0 ? ["msi"] : []) + (found.msix.capability != 0 ? ["msi-x"] : []) + (hasPin ? ["pin"] : [])
    }

    /// Why no partition can own a function, other than what a manifest's check says itself.
    func problem(of address: FunctionAddress) -> String? {
        guard let found = function(at: address) else {
            return "it is behind a root bus that the hypervisor does not scan (only bus 0 and what is behind it)"
        }
        if found.isOfTheMachine { return nil }
        do throws(RegisterError) {
            try list.requireOwnRegisters(
                of: found, VirtualFunctions(), 0, besides: ranges,
                isMemory: { range in memory.contains { $0.overlaps(range) } })
        } catch {
            guard let other = error.other else { return "it\(error.words.text)" }
            return "it shares pages of registers with \(other.text)"
        }
        let interrupts = interrupts(of: address) ?? []
        if interrupts == ["pin"] { return "it interrupts by a pin alone, and guests get messages (MSI, MSI-X)" }
        let kinds = (0..<6).map { found.bars[$0].kind }.filter { $0 != .none }
        if !kinds.isEmpty, kinds.allSatisfy({ $0 == .port }) {
            return "its registers are ports alone, which guests do not have"
        }
        return nil
    }
}

/// What the firmware reported at boot, but for registers and what is no memory: from `/sys/firmware/memmap`.
private func memoryMap(_ tree: FileTree) -> [Range<UInt64>] {
    let folder = "sys/firmware/memmap"
    return tree.names(folder).compactMap { name in
        guard let type = tree.text("\(folder)/\(name)/type"), let first = tree.number("\(folder)/\(name)/start"),
            let last = tree.number("\(folder)/\(name)/end"), first <= last, last < .max
        else { return nil }
        // Reserved ranges may be registers, which UEFI's map tells apart and Linux' does not.
        return ["System RAM", "ACPI Tables", "ACPI Non-volatile Storage"].contains(type) ? first..<last + 1 : nil
    }
}
