import Foundation
import Manifest
import ManifestFile
import PCI
import Remapping

let functionFolder = "sys/bus/pci/devices"

func text(_ requester: UInt16) -> String { FunctionAddress(requester: requester).text }

/// The functions of PCI segment 0 that Linux knows, in the order of their addresses.
func linuxFunctions(_ tree: FileTree, _ firmware: FirmwareFindings) -> [Inventory.Function] {
    let names = tree.names(functionFolder).filter { $0.hasPrefix("0000:") }
    var groups: [String: String] = [:]
    for name in names {
        guard let group = tree.target("\(functionFolder)/\(name)/iommu_group") else { continue }
        if groups[group] == nil { groups[group] = String(name.dropFirst(5)) }
    }
    let scanned = FunctionScan(tree, names, firmware)
    let ids = DeviceNames(tree)
    return names.compactMap { name in
        let path = "\(functionFolder)/\(name)", short = String(name.dropFirst(5))
        guard let address = FunctionAddress(short), let vendor = tree.number("\(path)/vendor"),
            let device = tree.number("\(path)/device"), let code = tree.number("\(path)/class")
        else { return nil }
        // By the hypervisor's rules, which are stricter than Linux' where a switch has no access control.
        let found = scanned?.function(at: address)
        let group = found.map { text($0.group) } ?? tree.target("\(path)/iommu_group").flatMap { groups[$0] }
        let physical = tree.target("\(path)/physfn").map { String($0.dropFirst(5)) }
        let isReserved = firmware.remapping.topology.map { $0.isReserved(address.requester) }
        var function = Inventory.Function(
            address: short, id: hexText(vendor, 4) + ":" + hexText(device, 4), classCode: hexText(code, 6),
            driver: tree.target("\(path)/driver"), group: group, bridge: code >> 16 == 0x06, reserved: isReserved,
            resets: found.map { $0.reset.words } ?? resets(tree.text("\(path)/reset_method") ?? ""),
            virtualFunctions: virtualFunctions(tree, path, found?.virtualGroup.map { text($0) }),
            physicalFunction: physical, bars: bars(tree.text("\(path)/resource") ?? ""))
        function.name = ids.name(vendor: UInt16(truncatingIfNeeded: vendor), device: UInt16(truncatingIfNeeded: device))
        function.interrupts = scanned?.interrupts(of: address)
        if physical == nil { function.problem = scanned?.problem(of: address) }
        return function
    }
}

private func resets(_ text: String) -> [String] {
    // Of these methods boot knows all; another (`af_flr`, `device_specific`) would promise what it refuses.
    let known = ["flr": "function-level", "pm": "power-state", "bus": "bus"]
    var found: [String] = []
    for word in text.split(separator: " ") {
        if let method = known[String(word)], !found.contains(method) { found.append(method) }
    }
    return found
}

private func virtualFunctions(_ tree: FileTree, _ path: String, _ group: String?) -> Inventory.VirtualFunctions? {
    guard let total = tree.number("\(path)/sriov_totalvfs"), 1...0xFFFF ~= total else { return nil }
    func small(_ name: String) -> Int { Int(min(tree.number("\(path)/\(name)") ?? 0, 0xFFFF)) }
    return Inventory.VirtualFunctions(
        total: Int(total), offset: small("sriov_offset"), stride: small("sriov_stride"),
        device: tree.text("\(path)/sriov_vf_device") ?? "0000", group: group)
}

/// A line for each resource: first and last address, flags (bit 8: ports); the first six are BARs.
func resources(_ text: String) -> [(first: UInt64, size: UInt64, flags: UInt64)] {
    text.split(separator: "\n").map { line in
        let numbers = line.split(separator: " ").compactMap { UInt64($0.dropFirst(2), radix: 16) }
        guard numbers.count == 3, numbers[2] != 0, numbers[1] >= numbers[0] else { return (0, 0, 0) }
        return (numbers[0], numbers[1] &- numbers[0] &+ 1, numbers[2])
    }
}

private func bars(_ text: String) -> [Inventory.Bar] {
    resources(text).prefix(6).enumerated().compactMap { index, resource in
        guard resource.size > 1 else { return nil }
        let kind = resource.flags & 0x100 != 0 ? "ports" : "memory"
        return Inventory.Bar(index: index, kind: kind, sizeBytes: resource.size)
    }
}
