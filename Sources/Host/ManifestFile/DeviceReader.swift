import Manifest
import ManifestRules
import Yams

extension FieldReader {
    /// A list of functions, each an address or `{pci: ..., id: ..., virtual-functions: ..., reset: ...}`.
    mutating func devices(_ node: Node) -> DeviceList {
        var list = DeviceList(unused: DeviceSpec())
        locate(.devices, node)
        guard case .sequence(let items) = node else {
            let hint = "write [\"00:03.0\"], or a list of {pci: \"00:03.0\", ...}"
            fail(node.mark?.line, "\"devices\" must be a list", hint: hint, field: .devices)
            return list
        }
        if items.count > DeviceList.capacity {
            let reason = "there are \(items.count) devices; the most is \(DeviceList.capacity)"
            fail(items[DeviceList.capacity].mark?.line, reason, field: .devices)
        }
        for item in items.prefix(DeviceList.capacity) {
            if let device = device(item) { _ = list.append(device) }
        }
        locate(.devices, node)
        return list
    }

    private mutating func device(_ node: Node) -> DeviceSpec? {
        var spec = DeviceSpec()
        guard case .mapping = node else {
            guard let address = value(node, .devices, parseFunction) else { return nil }
            spec.address = address
            return spec
        }
        let values = mapping(
            node, "a device", known: ["pci", "id", "virtual-functions", "reset"], required: [("pci", .devices)],
            field: .devices)
        if let identifier = value(values["id"], .devices, parseIdentifier) {
            (spec.vendor, spec.device) = identifier
        }
        if let count = value(values["virtual-functions"], .devices, parseVirtualFunctions) {
            spec.virtualFunctions = count
        }
        let reset = value(values["reset"], .devices) { (text: String) throws(ValueError) -> Bool in
            if text == "none" { return true }
            let hint = "leave \"reset\" out, or write none where the function cannot be reset"
            throw ValueError(reason: "\(quoted(text)) is not a reset", hint: hint)
        }
        spec.acceptsNoReset = reset ?? false
        guard let address = value(values["pci"], .devices, parseFunction) else { return nil }
        spec.address = address
        return spec
    }
}

/// How many virtual functions a physical function enables.
package func parseVirtualFunctions(_ text: String) throws(ValueError) -> UInt8 {
    let most = Manifest.maxVirtualFunctions
    guard let count = parseNumber(text), 1...UInt64(most) ~= count else {
        throw ValueError(reason: "\(quoted(text)) is not a number of virtual functions", hint: "write 1 to \(most)")
    }
    return UInt8(count)
}
