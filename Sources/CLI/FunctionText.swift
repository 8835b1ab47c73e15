import Manifest

extension FunctionAddress {
    /// As `lspci` and manifests write it: `01:10.2`.
    public var text: String {
        func hex(_ value: UInt8) -> String { (value < 16 ? "0" : "") + String(value, radix: 16) }
        return "\(hex(bus)):\(hex(device)).\(function)"
    }
}
