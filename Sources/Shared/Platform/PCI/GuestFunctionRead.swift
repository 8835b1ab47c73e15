import PCI

extension GuestFunction {
    /// The double word at `offset`, 0 to 4092, a multiple of 4.
    func read(_ offset: Int, on machine: borrowing some FunctionAccess) -> UInt32 {
        switch offset {
        case 0x00: return UInt32(description.vendor) | UInt32(description.device) << 16
        case 0x04: return UInt32(command) | readStatus(on: machine) << 16
        case 0x08: return UInt32(description.revision) | description.classCode << 8
        case 0x10...0x24: return readBAR((offset - 0x10) / 4)
        case 0x2C: return UInt32(description.subsystemVendor) | UInt32(description.subsystem) << 16
        case 0x34: return capabilities.next(-1)
        case 0x40..<0x100:
            guard let (index, item) = capabilities.item(at: offset) else { return 0 }
            let relative = offset - Int(item.offset)
            var value = relative == 0 ? readHeader(item, index, on: machine) : readBody(item, relative, on: machine)
            let beyond = relative + 4 - Int(item.length)
            if beyond > 0 { value &= UInt32.max >> UInt32(beyond * 8) }
            return value
        case 0x100...: return virtual.read(offset - 0x100)
        default: return 0
        }
    }

    /// Errors and fixed properties; no interrupt pending, and capabilities if any is shown.
    private func readStatus(on machine: borrowing some FunctionAccess) -> UInt32 {
        machine.read(requester, 0x06, size: 2) & 0xFFA0 | (capabilities.count > 0 ? 1 << 4 : 0)
    }

    private func readBAR(_ index: Int) -> UInt32 {
        if isMemory(index) {
            let bar = description.bars[index]
            let flags: UInt64 = (bar.kind == .memory64 ? 4 : 0) | (bar.isPrefetchable ? 8 : 0)
            return UInt32(truncatingIfNeeded: shown(index, sized: sizing >> index & 1 != 0) & ~0xF | flags)
        }
        guard index > 0, description.bars[index - 1].kind == .memory64 else { return 0 }
        return UInt32(truncatingIfNeeded: shown(index - 1, sized: sizing >> index & 1 != 0) >> 32)
    }

    private func shown(_ index: Int, sized: Bool) -> UInt64 {
        sized ? 0 &- description.bars[index].size : addresses[index]
    }

    /// A capability's first double word, linked to the next one that is shown.
    private func readHeader(
        _ item: GuestCapability, _ index: Int, on machine: borrowing some FunctionAccess
    ) -> UInt32 {
        let offset = Int(item.offset)
        let register =
            switch item.kind {
            case .none: 0 as UInt32
            // Version and immediate readiness; neither D1, D2 nor PME.
            case .power: machine.read(requester, offset + 2, size: 2) & 0x3F
            case .msi: UInt32(msi.control) | (item.length == 14 ? MSIControl.wide : 0)
            case .vendor: machine.read(requester, offset, size: 4) >> 16
            // There is no port above it: a root complex integrated endpoint (9), which has no link.
            case .express: machine.read(requester, offset + 2, size: 2) & 0x3E0F | 9 << 4
            case .msix: UInt32(msix.control) | UInt32(shownEntries - 1)
            }
        return UInt32(item.kind.rawValue) | capabilities.next(index) << 8 | register << 16
    }

    private func readBody(
        _ item: GuestCapability, _ relative: Int, on machine: borrowing some FunctionAccess
    ) -> UInt32 {
        let offset = Int(item.offset) + relative
        switch (item.kind, relative) {
        case (.vendor, _): return machine.read(requester, offset, size: 4)
        // A function that goes to D3 may forget its BARs. It is told that it goes there, keeps its state and wakes up.
        case (.power, 4): return powerState | 1 << 3
        case (.msi, 4): return msi.addressLow
        case (.msi, 8) where item.length == 14: return msi.addressHigh
        case (.msi, 8), (.msi, 12): return msi.data
        case (.msix, 4):
            return UInt32(truncatingIfNeeded: description.msix.tableOffset) | UInt32(description.msix.tableBAR)
        case (.msix, 8):
            return UInt32(truncatingIfNeeded: description.msix.pendingOffset) | UInt32(description.msix.pendingBAR)
        case (.express, 4):
            // Latencies and role-based errors; payload and tags as firmware allows them; no function level reset.
            let tags: UInt32 = firmwareControl & ExpressControl.extendedTag != 0 ? 1 << 5 : 0
            return machine.read(requester, offset, size: 4) & 0x8FC0 | tags
                | UInt32(firmwareControl & ExpressControl.payload) >> 5
        case (.express, 8): return machine.read(requester, offset, size: 4) & ~UInt32(ExpressControl.reset)
        default: return 0
        }
    }
}
