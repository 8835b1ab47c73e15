import Platform

/// The MSI-X registers of a virtio function (PCI Express Base 6.0, section 7.7.2): control, table and pending bits. What is
/// raised becomes an IPI; no message is ever written.
struct VirtioVectors: Sendable {
    static let count = 8
    /// Where the pending bits are in the page that begins with the table.
    static let pendingOffset = 0x800
    private var msix = GuestMSIX()
    private var pending: UInt32 = 0

    var isEnabled: Bool { msix.control >> 15 != 0 }
    /// The control register, in the upper half of its double word.
    var header: UInt32 { (UInt32(msix.control) | UInt32(Self.count - 1)) << 16 }
    mutating func writeHeader(_ value: UInt32, mask: UInt32) { msix.writeControl(value, mask: mask) }

    /// A double word of the page.
    func read(_ offset: Int) -> UInt32 {
        offset == Self.pendingOffset ? pending : offset < Self.count * 16 ? msix.table[offset / 4] : 0
    }
    mutating func write(_ offset: Int, _ value: UInt32) {
        if offset < Self.count * 16 { msix.set(offset / 4, value) }
    }

    /// A vector that the device has none of is no vector.
    mutating func raise(_ vector: UInt16) { if vector < Self.count { pending |= 1 << UInt32(vector) } }

    mutating func clearPending() { pending = 0 }

    /// The next message that may be sent; one that is not masked and makes no sense is gone.
    mutating func next() -> GuestMessage? {
        guard msix.control == 0x8000 else { return nil }
        for i in 0..<Self.count where pending >> UInt32(i) & 1 != 0 && msix.table[4 * i + 3] & 1 == 0 {
            pending &= ~(1 << UInt32(i))
            let message = GuestMessage(
                addressLow: msix.table[4 * i], addressHigh: msix.table[4 * i + 1], data: msix.table[4 * i + 2])
            if let message { return message }
        }
        return nil
    }
}
