/// The capability by which firmware keeps an xHCI controller for itself (eXtensible Host Controller Interface 1.2, section
/// 7.1): USBLEGSUP, and behind it USBLEGCTLSTS, whose writer can make the controller raise SMIs, which stop every core.
public struct USBLegacySupport: Sendable {
    /// Offset in BAR 0; 0 where there is none.
    public private(set) var offset: UInt64 = 0
    private var base: UInt64 = 0
    /// Bytes.
    public static let length: UInt64 = 8
    public enum ListError: Error { case unreadable }

    private static let ownedByFirmware: UInt32 = 1 << 16
    private static let ownedBySystem: UInt32 = 1 << 24
    /// Reserved bits of USBLEGCTLSTS, which keep their values, and events, which are cleared by writing ones.
    private static let kept: UInt32 = 0x000E_1FEE
    private static let events: UInt32 = 7 << 29

    /// None.
    public init() {}

    /// Follows the list of extended capabilities (section 7), which only leads upwards; refuses one that leaves the register
    /// space, has no end or names the capability twice: what is not found cannot be kept from a guest.
    /// - Parameters:
    ///   - bar: BAR 0, which is decoded.
    public init(_ bar: BaseAddress, on machine: borrowing some RegisterAccess) throws(ListError) {
        base = bar.address
        guard bar.size >= 0x20 else { throw .unreadable }
        let parameters = read(0x10, on: machine)  // HCCPARAMS1, section 5.3.6
        guard parameters != .max else { throw .unreadable }
        var at = UInt64(parameters >> 16) * 4
        for _ in 0..<256 {
            if at == 0 { return }
            guard at >= 0x20, at <= bar.size - Self.length else { throw .unreadable }
            let header = read(at, on: machine)
            if header & 0xFF == 1 {
                guard offset == 0 else { throw .unreadable }
                offset = at
            }
            let next = UInt64(header >> 8 & 0xFF) * 4
            at = next == 0 ? 0 : at + next
        }
        throw .unreadable
    }

    /// Takes the controller from firmware, which has a second for its answer to an SMI.
    /// - Parameter wait: for so many microseconds.
    public func take(on machine: borrowing some RegisterAccess, wait: (UInt32) -> Void) {
        guard offset != 0 else { return }
        write(offset, read(offset, on: machine) | Self.ownedBySystem, on: machine)
        for _ in 0..<1000 where read(offset, on: machine) & Self.ownedByFirmware != 0 { wait(1000) }
        silence(on: machine)
    }

    /// No SMI is enabled, and firmware has no claim, whatever it had.
    public func silence(on machine: borrowing some RegisterAccess) {
        guard offset != 0 else { return }
        write(offset + 4, read(offset + 4, on: machine) & Self.kept | Self.events, on: machine)
        write(offset, read(offset, on: machine) & ~Self.ownedByFirmware | Self.ownedBySystem, on: machine)
    }

    /// Whether an access of `size` bytes at `offset` in BAR 0 touches it.
    public func has(_ at: UInt64, size: Int) -> Bool {
        offset != 0 && at < offset + Self.length && at + UInt64(size) > offset
    }

    /// What a guest reads: the list goes on, the controller is its own, and no SMI is enabled. What it writes goes nowhere.
    public func shown(_ at: UInt64, size: Int, on machine: borrowing some RegisterAccess) -> UInt64 {
        at == offset && size == 4 ? UInt64(read(offset, on: machine) & 0xFFFF | Self.ownedBySystem) : 0
    }

    private func read(_ at: UInt64, on machine: borrowing some RegisterAccess) -> UInt32 {
        UInt32(truncatingIfNeeded: machine.readRegister(base + at, size: 4))
    }
    private func write(_ at: UInt64, _ value: UInt32, on machine: borrowing some RegisterAccess) {
        machine.writeRegister(base + at, size: 4, UInt64(value))
    }
}
