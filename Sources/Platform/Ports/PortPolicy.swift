/// The devices behind the ports that a guest may touch.
public enum PortDevice: UInt8, Sendable {
    case uart, rtc, keyboard, reset, sleep, panic
}

/// One entry of the allow-list of I/O ports.
public struct PortRule: Sendable {
    public let first: UInt16
    public let last: UInt16
    public let device: PortDevice
    /// Whether accesses of 2 and 4 bytes are several accesses of one byte, as on the ISA bus. Elsewhere they are refused:
    /// the bytes of an access to CF8h, say, are not for CF9h.
    public let splits: Bool
    public let name: StaticString
}

/// Which I/O ports exist for a guest. All others read as ones and ignore writes, as an empty bus does; none is ever
/// passed through to the machine.
public enum PortPolicy {
    /// In ascending order.
    public static let rules: [6 of PortRule] = [
        PortRule(first: 0x064, last: 0x064, device: .keyboard, splits: false, name: "keyboard controller"),
        PortRule(first: 0x070, last: 0x071, device: .rtc, splits: true, name: "real-time clock"),
        PortRule(first: 0x3F8, last: 0x3FF, device: .uart, splits: true, name: "UART"),
        PortRule(first: 0x505, last: 0x505, device: .panic, splits: false, name: "panic notification"),
        PortRule(first: 0x604, last: 0x605, device: .sleep, splits: false, name: "sleep control"),
        PortRule(first: 0xCF9, last: 0xCF9, device: .reset, splits: false, name: "reset control"),
    ]

    /// The rule that grants an access of `size` bytes at `port`, or nil.
    public static func rule(for port: UInt16, size: Int) -> PortRule? {
        for i in 0..<rules.count where port >= rules[i].first && port <= rules[i].last {
            return rules[i].splits || size == 1 ? rules[i] : nil
        }
        return nil
    }
}
