/// The capability by which firmware keeps a USB controller for itself: USBLEGSUP, and behind it USBLEGCTLSTS, whose writer can
/// make the controller raise SMIs, which stop every core. xHCI has it in BAR 0 (eXtensible Host Controller Interface 1.2,
/// section 7.1), EHCI in configuration space (Enhanced Host Controller Interface 1.0, sections 2.1.7, 2.1.8 and 5).
public struct USBLegacySupport: Sendable {
    /// Offset in BAR 0 or, of EHCI, in configuration space; 0 where there is none.
    public private(set) var offset: UInt64 = 0
    private var base: UInt64 = 0
    /// EHCI's requester id.
    private var function: UInt16?
    /// Bytes.
    public static let length: UInt64 = 8
    public enum ListError: Error { case unreadable }

    private static let ownedByFirmware: UInt32 = 1 << 16
    private static let ownedBySystem: UInt32 = 1 << 24
    /// Reserved bits of USBLEGCTLSTS, which keep their values, and events, which are cleared by writing ones.
    private var kept: UInt32 { function == nil ? 0x000E_1FEE : 0x1FC0_1FC0 }
    private static let events: UInt32 = 7 << 29

    /// None.
    public init() {}

    /// xHCI's, behind the extended capabilities (section 7).
    /// - Parameters:
    ///   - bar: BAR 0, which is decoded.
    public init(
        _ bar: BaseAddress, on machine: borrowing some ConfigurationSpace & RegisterAccess
    ) throws(ListError) {
        base = bar.address
        guard bar.size >= 0x20 else { throw .unreadable }
        let parameters = read(0x10, on: machine)  // HCCPARAMS1, section 5.3.6
        guard parameters != .max else { throw .unreadable }
        try follow(UInt64(parameters >> 16) * 4, 0x20, bar.size - Self.length, on: machine)
    }

    /// EHCI's, where its capability parameters say that the list begins (EECP).
    /// - Parameters:
    ///   - bar: BAR 0, which is decoded.
    public init(
        ehci function: UInt16, _ bar: BaseAddress, on machine: borrowing some ConfigurationSpace & RegisterAccess
    ) throws(ListError) {
        guard bar.size >= 0x10 else { throw .unreadable }
        let parameters = machine.readRegister(bar.address + 8, size: 4)  // HCCPARAMS, section 2.2.4
        guard parameters != UInt32.max else { throw .unreadable }
        self.function = function
        try follow(parameters >> 8 & 0xFF, 0x40, 0x100 - Self.length, on: machine)
    }

    /// Refuses a list that leaves what is there for it, has no end or names the capability twice: what is not found cannot be
    /// kept from a guest. xHCI's leads only upwards.
    private mutating func follow(
        _ first: UInt64, _ lowest: UInt64, _ highest: UInt64,
        on machine: borrowing some ConfigurationSpace & RegisterAccess
    ) throws(ListError) {
        var at = first
        for _ in 0..<256 {
            if at == 0 { return }
            guard at >= lowest, at <= highest, at & 3 == 0 else { throw .unreadable }
            let header = read(at, on: machine), next = UInt64(header >> 8 & 0xFF)
            if header & 0xFF == 1 {
                guard offset == 0 else { throw .unreadable }
                offset = at
            }
            at = next == 0 || function != nil ? next : at + next * 4
        }
        throw .unreadable
    }

    /// Takes the controller from firmware, which has a second for its answer to an SMI.
    /// - Parameter wait: for so many microseconds.
    public func take(on machine: borrowing some ConfigurationSpace & RegisterAccess, wait: (UInt32) -> Void) {
        guard offset != 0 else { return }
        write(offset, read(offset, on: machine) | Self.ownedBySystem, on: machine)
        for _ in 0..<1000 where read(offset, on: machine) & Self.ownedByFirmware != 0 { wait(1000) }
        silence(on: machine)
    }

    /// No SMI is enabled, and firmware has no claim, whatever it had.
    public func silence(on machine: borrowing some ConfigurationSpace & RegisterAccess) {
        guard offset != 0 else { return }
        write(offset + 4, read(offset + 4, on: machine) & kept | Self.events, on: machine)
        write(offset, read(offset, on: machine) & ~Self.ownedByFirmware | Self.ownedBySystem, on: machine)
    }

    /// Whether it is in BAR 0.
    public var isMapped: Bool { offset != 0 && function == nil }

    /// Whether an access of `size` bytes at `offset` in BAR 0 touches it.
    public func has(_ at: UInt64, size: Int) -> Bool {
        isMapped && at < offset + Self.length && at + UInt64(size) > offset
    }

    /// What a guest reads: the list goes on, the controller is its own, and no SMI is enabled. What it writes goes nowhere.
    public func shown(_ at: UInt64, size: Int, on machine: borrowing some ConfigurationSpace & RegisterAccess) -> UInt64
    {
        at == offset && size == 4 ? UInt64(read(offset, on: machine) & 0xFFFF | Self.ownedBySystem) : 0
    }

    private func read(_ at: UInt64, on machine: borrowing some ConfigurationSpace & RegisterAccess) -> UInt32 {
        if let function { return machine.read(function, Int(at), size: 4) }
        return UInt32(truncatingIfNeeded: machine.readRegister(base + at, size: 4))
    }
    private func write(
        _ at: UInt64, _ value: UInt32, on machine: borrowing some ConfigurationSpace & RegisterAccess
    ) {
        if let function { return machine.write(function, Int(at), size: 4, value) }
        machine.writeRegister(base + at, size: 4, UInt64(value))
    }
}
