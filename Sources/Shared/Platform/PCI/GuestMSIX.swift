import PCI

/// A guest's MSI-X registers (PCI Express Base 6.0, section 7.7.2): the control register and the table's first entries.
public struct GuestMSIX: Sendable {
    static let capacity = 64
    /// Enable in bit 15, mask of the function in bit 14.
    public private(set) var control: UInt16 = 0
    /// Entry n in 4n...4n + 3: address low and high, data, vector control, where bit 0 masks.
    public private(set) var table = InlineArray<256, UInt32> { $0 & 3 == 3 ? 1 : 0 }

    public init() {}

    /// Writes the bits in `mask` of the capability's first double word, in whose upper half the control register is.
    public mutating func writeControl(_ value: UInt32, mask: UInt32) {
        control = UInt16(truncatingIfNeeded: (UInt32(control) << 16 & ~mask | value & mask) >> 16) & 0xC000
    }

    public mutating func set(_ index: Int, _ value: UInt32) {
        table[index] = value & (index & 3 == 0 ? ~3 : index & 3 == 3 ? 1 : .max)
    }
}

extension GuestFunction {
    /// Entries that the guest is told of.
    var shownEntries: Int { min(description.msix.entries, GuestMSIX.capacity) }

    /// Masks every entry that the device has.
    func resetMSIX(on machine: borrowing some FunctionAccess) {
        guard description.msix.isUsable(description) else { return }
        for i in 0..<description.msix.entries {
            if i & 63 == 0 { machine.rest() }
            machine.writeRegister(entry(i) + 12, size: 4, 1)
        }
    }

    /// The machine's address of a table entry.
    private func entry(_ index: Int) -> UInt64 {
        let table = description.msix
        return description.bars[table.tableBAR].address + table.tableOffset + UInt64(index) * 16
    }

    /// Carries out an access to a trapped page: the table and legacy support are the model's, other registers of the BAR are
    /// the device's.
    /// - Parameters:
    ///   - address: guest-physical, inside trapped pages.
    ///   - value: what is written; nil to read.
    /// - Returns: what is read; ones outside the BAR or when it is not aligned.
    mutating func access(
        trapped address: UInt64, size: Int, value: UInt64?, on machine: borrowing some FunctionAccess
    ) -> UInt64 {
        let msix = description.msix
        let index = tablePages.contains(address) ? msix.tableBAR : 0
        let bar = description.bars[index], base = addresses[index]
        let hasTable = index == msix.tableBAR && msix.isUsable(description)
        let ones = UInt64.max >> UInt64(64 - size * 8)
        guard address >= base, address - base < bar.size, address & UInt64(size - 1) == 0 else { return ones }
        let offset = address - base
        if index == 0, legacy.has(offset, size: size) {
            return value == nil ? legacy.shown(offset, size: size, on: machine) : 0
        }
        if hasTable, offset >= msix.tableOffset, offset < msix.tableOffset + UInt64(msix.entries) * 16 {
            // Other sizes are undefined there.
            guard size >= 4 else { return 0 }
            let index = Int(offset - msix.tableOffset) / 4
            guard index < shownEntries * 4 else { return 0 }
            if let value { write(index, size: size, value, on: machine) }
            let low = UInt64(self.msix.table[index])
            return size == 4 ? low : low | UInt64(self.msix.table[index + 1]) << 32
        }
        let pendingEnd = msix.pendingOffset &+ UInt64((msix.entries + 63) / 64) * 8
        let isPending = msix.pendingBAR == index && offset >= msix.pendingOffset && offset < pendingEnd
        guard let value else { return machine.readRegister(bar.address + offset, size: size) }
        if !isPending { machine.writeRegister(bar.address + offset, size: size, value & ones) }
        return 0
    }

    /// Writes one or two double words of the table, and the device's entry if it is or was in use.
    private mutating func write(
        _ index: Int, size: Int, _ value: UInt64, on machine: borrowing some FunctionAccess
    ) {
        let first = index & ~3
        let wasMasked = msix.table[first + 3] & 1 != 0
        msix.set(index, UInt32(truncatingIfNeeded: value))
        if size == 8 { msix.set(index + 1, UInt32(truncatingIfNeeded: value >> 32)) }
        let isMasked = msix.table[first + 3] & 1 != 0
        if wasMasked && isMasked { return }
        let entry = entry(index / 4)
        // Masked while it changes, so that no half of a message is sent.
        machine.writeRegister(entry + 12, size: 4, 1)
        guard !isMasked,
            let message = translate(msix.table[first], msix.table[first + 1], msix.table[first + 2], on: machine)
        else { return }
        machine.writeRegister(entry, size: 4, message.address & 0xFFFF_FFFF)
        machine.writeRegister(entry + 4, size: 4, message.address >> 32)
        machine.writeRegister(entry + 8, size: 4, UInt64(message.data))
        machine.writeRegister(entry + 12, size: 4, 0)
    }
}
