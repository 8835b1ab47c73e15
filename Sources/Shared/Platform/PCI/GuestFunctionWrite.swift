import PCI

extension GuestFunction {
    /// Writes the bits in `mask` of the double word at `offset`, 0 to 4092, a multiple of 4.
    mutating func write(_ offset: Int, _ value: UInt32, mask: UInt32, on machine: borrowing some FunctionAccess) {
        switch offset {
        case 0x04:
            if mask & 0xFFFF != 0 {
                command = UInt16(truncatingIfNeeded: UInt32(command) & ~mask | value & mask) & Command.writable
                writeCommand(on: machine)
            }
            // Errors are cleared by writing ones.
            let errors = (value & mask) >> 16 & 0xF900
            if errors != 0 { machine.write(requester, 0x06, size: 2, errors) }
        case 0x10...0x24:
            let bit = 1 << UInt8((offset - 0x10) / 4) as UInt8
            if value & mask | 0xF == .max { sizing |= bit } else { sizing &= ~bit }
        case 0x40..<0x100:
            guard let (_, item) = capabilities.item(at: offset) else { return }
            write(item, offset - Int(item.offset), value, mask, on: machine)
        case 0x100...: virtual.write(offset - 0x100, value, mask: mask)
        default: return
        }
    }

    private mutating func write(
        _ item: GuestCapability, _ relative: Int, _ value: UInt32, _ mask: UInt32,
        on machine: borrowing some FunctionAccess
    ) {
        switch (item.kind, relative) {
        case (.power, 4):
            let state = (powerState & ~mask | value & mask) & 3
            // There are D0 and D3 only.
            if state == 0 || state == 3 { powerState = state }
        case (.msi, _):
            msi.write(relative, value, mask: mask, wide: item.length == 14)
            updateMSI(on: machine)
        case (.msix, 0):
            if mask >> 30 != 0 {
                msix.writeControl(value, mask: mask)
                machine.write(requester, Int(item.offset) + 2, size: 2, UInt32(msix.control))
            }
        case (.express, 8):
            if mask & 0xFFFF != 0 { writeExpressControl(item, value, mask, on: machine) }
            let errors = (value & mask) >> 16 & 0xF
            if errors != 0 { machine.write(requester, Int(item.offset) + 10, size: 2, errors) }
        default: return
        }
    }

    /// Read requests of at most what firmware set; relaxed ordering unless firmware cleared it; no snoop never; the rest
    /// stays as firmware left it. So does the payload: less than what the port above sends is malformed for the function,
    /// a fatal error (PCI Express Base 6.0, section 2.2.2). A request for a function level reset is swallowed.
    private func writeExpressControl(
        _ item: GuestCapability, _ value: UInt32, _ mask: UInt32, on machine: borrowing some FunctionAccess
    ) {
        let offset = Int(item.offset) + 8
        let old = machine.read(requester, offset, size: 2)
        let wanted = UInt16(truncatingIfNeeded: old & ~mask | value & mask)
        var new = firmwareControl & ~ExpressControl.readRequest & (wanted | ~ExpressControl.relaxedOrdering)
        new |= min(wanted & ExpressControl.readRequest, firmwareControl & ExpressControl.readRequest)
        machine.write(requester, offset, size: 2, UInt32(new))
    }
}
