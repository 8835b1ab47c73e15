import Manifest
import PCI
import Text

extension FunctionAddress {
    /// `device` is 0 to 31, `function` 0 to 7; higher bits are dropped.
    public init(bus: UInt8, device: UInt8, function: UInt8) {
        self.init(requester: UInt16(bus) << 8 | UInt16(device & 31) << 3 | UInt16(function & 7))
    }

    /// As `lspci` and manifests write it: `01:10.2`.
    public var text: String {
        var words = Text<7>()
        words.write(self)
        return words.string
    }

    /// nil when `text` is not of the form that `text` gives, or that with `0000:` before it, as Linux writes it.
    public init?(_ text: String) {
        guard let address = try? parseFunction(text) else { return nil }
        self = address
    }
}

extension DeviceList {
    public var list: [DeviceSpec] { (0..<count).map { self[$0] } }
}

extension DeviceSpec {
    /// `8086:10d3`; nil when any is right.
    public var identifier: String? {
        vendor == 0 && device == 0 ? nil : hexText(UInt64(vendor), 4) + ":" + hexText(UInt64(device), 4)
    }

    /// One line for people.
    var summary: String {
        var parts = [address.text]
        if let identifier { parts.append("(\(identifier))") }
        if virtualFunctions > 0 { parts.append("with \(virtualFunctions) virtual functions") }
        if acceptsNoReset { parts.append("not reset between guests") }
        return parts.joined(separator: " ")
    }

    /// The inside of the mapping in a manifest.
    var yaml: String {
        var parts = ["pci: '\(address.text)'"]
        if let identifier { parts.append("id: '\(identifier)'") }
        if virtualFunctions > 0 { parts.append("virtual-functions: \(virtualFunctions)") }
        if acceptsNoReset { parts.append("reset: none") }
        return parts.joined(separator: ", ")
    }
}

/// At least `digits` hexadecimal digits.
package func hexText(_ value: UInt64, _ digits: Int) -> String {
    let text = String(value, radix: 16)
    return String(repeating: "0", count: max(0, digits - text.count)) + text
}

/// `00:03.0` or `0000:00:03.0`: bus, device and function, in hexadecimal.
package func parseFunction(_ text: String) throws(ValueError) -> FunctionAddress {
    let parts = text.split(omittingEmptySubsequences: false) { $0 == ":" || $0 == "." }
    let numbers = parts.map { part in
        part.count <= 4 && part.utf8.allSatisfy(isHexDigit) ? UInt64(part, radix: 16) : nil
    }
    guard (2...4).contains(parts.count), !numbers.contains(nil) else {
        let hint = "write bus:device.function, as in 00:1f.2"
        throw ValueError(reason: "\(quoted(text)) is not a PCI function", hint: hint)
    }
    let values = numbers.compactMap { $0 }
    let last = values.suffix(2), bus = values.count > 2 ? values[values.count - 3] : 0
    let (device, function) = (last.first ?? 0, last.last ?? 0)
    if values.count == 4, values[0] != 0 {
        throw ValueError(reason: "\(quoted(text)) is in PCI segment \(parts[0]); only segment 0 is possible", hint: nil)
    }
    guard bus <= 0xFF, device <= 0x1F, function <= 7 else {
        let hint = "the bus is at most ff, the device 1f, the function 7"
        throw ValueError(reason: "there is no PCI function \(quoted(text))", hint: hint)
    }
    let address = FunctionAddress(bus: UInt8(bus), device: UInt8(device), function: UInt8(function))
    guard text.lowercased() == address.text || text.lowercased() == "0000:" + address.text else {
        throw ValueError(reason: "\(quoted(text)) is not a PCI function", hint: "did you mean \(address.text)?")
    }
    return address
}

/// `8086:10d3`: vendor and device, in hexadecimal.
package func parseIdentifier(_ text: String) throws(ValueError) -> (vendor: UInt16, device: UInt16) {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 2, parts.allSatisfy({ $0.count == 4 && $0.utf8.allSatisfy(isHexDigit) }),
        let vendor = UInt16(parts[0], radix: 16), let device = UInt16(parts[1], radix: 16), vendor != 0
    else {
        let hint = "write vendor:device in hexadecimal, as `lspci -n` does: 8086:10d3"
        throw ValueError(reason: "\(quoted(text)) is not a PCI identifier", hint: hint)
    }
    return (vendor, device)
}

private func isHexDigit(_ byte: UInt8) -> Bool {
    0x30...0x39 ~= byte || 0x41...0x46 ~= byte || 0x61...0x66 ~= byte
}
