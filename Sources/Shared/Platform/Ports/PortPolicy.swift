/// The devices behind the ports that a guest may touch.
public enum PortDevice: UInt8, Sendable {
    case uart, rtc, keyboard, reset, sleep, panic, watchdog
}

/// Which I/O ports exist for a guest. All others read as ones and ignore writes, as an empty bus does; none is ever
/// passed through to the machine.
public enum PortPolicy {
    /// The device that an access of `size` bytes at `port` reaches, and which of its registers; nil when there is none.
    ///
    /// Where accesses of 2 and 4 bytes are several accesses of one byte, as on the ISA bus, this is the first. Elsewhere
    /// they are refused: the bytes of an access to CF8h, say, are not for CF9h.
    public static func device(at port: UInt16, size: Int) -> (device: PortDevice, register: UInt8)? {
        switch port {
        case 0x3F8...0x3FF: (.uart, UInt8(port & 7))
        case 0x070...0x071: (.rtc, UInt8(port & 1))
        case 0x064 where size == 1: (.keyboard, 0)
        case 0x505 where size == 1: (.panic, 0)
        case 0x508...0x509 where size == 1: (.watchdog, UInt8(port & 1))
        case 0x604...0x605 where size == 1: (.sleep, UInt8(port & 1))
        case 0xCF9 where size == 1: (.reset, 0)
        default: nil
        }
    }

    /// Whether an access is sure to reach none of the platform's devices: its first port, and so its last, lies nowhere near
    /// one, and it is not of a string.
    @inline(__always)
    public static func isVacant(_ access: PortAccess) -> Bool {
        guard !access.isString else { return false }
        return switch access.port {
        case 0x061...0x071, 0x3F5...0x3FF, 0x502...0x509, 0x601...0x605, 0xCF6...0xCFF, 0xC000...0xC3FF: false
        default: true
        }
    }
}
