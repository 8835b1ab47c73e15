import PCI
import Text

/// A capability that a guest is shown, at the offset that it has on the machine (PCI Local Bus 3.0, section 6.7).
struct GuestCapability: Equatable, Sendable {
    enum Kind: UInt8, Sendable { case none, power = 0x01, msi = 0x05, vendor = 0x09, express = 0x10, msix = 0x11 }
    var kind = Kind.none
    var offset: UInt8 = 0
    /// Bytes that may be read.
    var length: UInt8 = 0
    var end: Int { Int(offset) + Int(length) }
}

/// The capabilities of a function that its guest is shown, in the machine's order.
struct GuestCapabilities: Sendable {
    private(set) var items = BoundedList<12, GuestCapability>(unused: GuestCapability())
    var count: Int { items.count }

    init() {}

    /// Walks the machine's list; what is not known is left out.
    init(_ function: FunctionDescription, on machine: borrowing some FunctionAccess) {
        guard machine.read(function.requester, 0x06, size: 2) & 1 << 4 != 0 else { return }
        var next = Int(machine.read(function.requester, 0x34, size: 1)) & 0xFC
        // A list that leads in a circle ends here: there is room for 48.
        for _ in 0..<48 where next >= 0x40 {
            let header = machine.read(function.requester, next, size: 4)
            let found = Self.shown(header, at: next, of: function)
            // What there is no room for is left out too.
            if found.kind != .none, !overlaps(found) { _ = items.append(found) }
            next = Int(header >> 8) & 0xFC
        }
    }

    private func overlaps(_ other: GuestCapability) -> Bool {
        items.first { other.offset < $0.end && $0.offset < other.end } != nil
    }

    /// `header` is the capability's first four bytes.
    private static func shown(
        _ header: UInt32, at offset: Int, of function: FunctionDescription
    ) -> GuestCapability {
        var found = GuestCapability()
        guard let kind = GuestCapability.Kind(rawValue: UInt8(truncatingIfNeeded: header)) else { return found }
        let length =
            switch kind {
            case .none: 0
            case .power: 8
            case .msi: header & MSIControl.wide << 16 != 0 ? 14 : 10
            case .msix: function.msix.isUsable(function) && function.msix.capability == offset ? 12 : 0
            case .express: function.express == offset ? 12 : 0
            // The fifth kind of virtio's is a window to registers through configuration space (virtio 1.2, section
            // 4.1.4.9).
            case .vendor: function.vendor == 0x1AF4 && header >> 24 == 5 ? 0 : Int(header >> 16 & 0xFF)
            }
        guard length >= 3, offset + length <= 256 else { return found }
        found.kind = kind
        found.offset = UInt8(offset)
        found.length = UInt8(length)
        return found
    }

    /// The one that has the double word at `offset`; nil when none has.
    func item(at offset: Int) -> (index: Int, item: GuestCapability)? {
        for i in 0..<count where offset >= items[i].offset && offset < items[i].end { return (i, items[i]) }
        return nil
    }

    /// Where the list goes on behind item `index`; its start behind -1.
    func next(_ index: Int) -> UInt32 { index + 1 < count ? UInt32(items[index + 1].offset) : 0 }

    /// The offset of the first one of a kind; 0 when there is none.
    func first(_ kind: GuestCapability.Kind) -> Int { Int(items.first { $0.kind == kind }?.offset ?? 0) }
}

extension MSIXDescription {
    /// Whether the table lies in a memory BAR that the function has.
    func isUsable(_ function: FunctionDescription) -> Bool {
        guard capability != 0, (1...2048).contains(entries), (0..<6).contains(tableBAR) else { return false }
        let bar = function.bars[tableBAR]
        guard bar.kind == .memory32 || bar.kind == .memory64, tableOffset & 7 == 0 else { return false }
        return tableOffset <= bar.size && UInt64(entries) * 16 <= bar.size - tableOffset
    }
}
