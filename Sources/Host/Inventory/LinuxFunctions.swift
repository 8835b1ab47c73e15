import Foundation
import Manifest
import ManifestFile
import PCI

/// The functions of PCI segment 0 that Linux knows, in the order of their addresses.
func linuxFunctions(_ tree: FileTree) -> [Inventory.Function] {
    let folder = "sys/bus/pci/devices"
    let names = tree.names(folder).filter { $0.hasPrefix("0000:") }
    var groups: [String: String] = [:]
    for name in names {
        guard let group = tree.target("\(folder)/\(name)/iommu_group") else { continue }
        if groups[group] == nil { groups[group] = String(name.dropFirst(5)) }
    }
    let scanned = scan(tree, names)
    return names.compactMap { name in
        let path = "\(folder)/\(name)", short = String(name.dropFirst(5))
        guard let address = FunctionAddress(short), let vendor = tree.number("\(path)/vendor"),
            let device = tree.number("\(path)/device"), let code = tree.number("\(path)/class")
        else { return nil }
        // By the hypervisor's rules, which are stricter than Linux' where a switch has no access control.
        let found = scanned.flatMap { list in list.index(of: address).map { list.functions[$0] } }
        let group =
            found.map { FunctionAddress(requester: $0.group).text }
            ?? tree.target("\(path)/iommu_group").flatMap { groups[$0] }
        return Inventory.Function(
            address: short, id: hexText(vendor, 4) + ":" + hexText(device, 4), classCode: hexText(code, 6),
            driver: tree.target("\(path)/driver"), group: group, bridge: code >> 16 == 0x06, reserved: nil,
            resets: resets(tree.text("\(path)/reset_method") ?? ""),
            virtualFunctions: virtualFunctions(
                tree, path, found?.virtualGroup.map { FunctionAddress(requester: $0).text }),
            physicalFunction: tree.target("\(path)/physfn").map { String($0.dropFirst(5)) },
            bars: bars(tree.text("\(path)/resource") ?? ""))
    }
}

private func resets(_ text: String) -> [String] {
    let known = ["flr": "function-level", "af_flr": "function-level", "pm": "power-state", "bus": "bus"]
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
private func bars(_ text: String) -> [Inventory.Bar] {
    text.split(separator: "\n").prefix(6).enumerated().compactMap { index, line in
        let numbers = line.split(separator: " ").compactMap { UInt64($0.dropFirst(2), radix: 16) }
        guard numbers.count == 3, numbers[1] > numbers[0] else { return nil }
        let kind = numbers[2] & 0x100 != 0 ? "ports" : "memory"
        return Inventory.Bar(index: index, kind: kind, sizeBytes: numbers[1] - numbers[0] + 1)
    }
}

/// The hypervisor's own scan, of configuration space as Linux shows it to root; nil when that cannot be read beyond its
/// first 64 bytes, or has more functions than the hypervisor has room for.
private func scan(_ tree: FileTree, _ names: [String]) -> FunctionList? {
    var contents: [UInt16: [UInt8]] = [:]
    for name in names {
        guard let address = FunctionAddress(String(name.dropFirst(5))) else { continue }
        guard let bytes = tree.bytes("sys/bus/pci/devices/\(name)/config"), bytes.count >= 256 else { return nil }
        contents[address.requester] = bytes
    }
    var found = FunctionList()
    guard !contents.isEmpty, found.scan(RecordedSpace(contents: contents)) else { return nil }
    return found
}

/// Configuration space as it was read. It cannot be written, and so has no sizes of BARs.
private struct RecordedSpace: ConfigurationSpace {
    let contents: [UInt16: [UInt8]]

    func read(_ function: UInt16, _ offset: Int, size: Int) -> UInt32 {
        guard let bytes = contents[function], offset + size <= bytes.count else { return .max }
        return (0..<size).reduce(0) { $0 | UInt32(bytes[offset + $1]) << UInt32(8 * $1) }
    }

    func write(_ function: UInt16, _ offset: Int, size: Int, _ value: UInt32) {}
}
