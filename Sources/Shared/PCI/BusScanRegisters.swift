extension BusScan {
    /// Base address registers and their sizes (PCI Express Base 6.0, section 7.5.1.2.1). Decoding is off meanwhile; all is as
    /// it was afterwards. What host bridges and the like decode cannot be switched off: theirs are only read, and taken to be
    /// as large as their addresses allow. A port that decodes nothing itself goes on passing on what others decode.
    func sizeBARs(_ function: UInt16, header: UInt32) -> InlineArray<6, BaseAddress> {
        let count = header == 0 ? 6 : header == 1 ? 2 : 1
        let isFixed = header == 0 ? space.read(function, 0x0B, size: 1) == 6 : header != 1
        let hasNone = (space.read(function, 0x10, size: 4) | space.read(function, 0x14, size: 4)) & ~0xF == 0
        if isFixed || header == 1 && hasNone { return baseAddresses(function, at: 0x10, count, sized: false) }
        let command = space.read(function, 4, size: 2)
        space.write(function, 4, size: 2, command & ~3)
        let bars = baseAddresses(function, at: 0x10, count)
        space.write(function, 4, size: 2, command)
        return bars
    }

    /// The first `count` base address registers from `offset` on, of a function that decodes nothing if they are `sized`.
    func baseAddresses(
        _ function: UInt16, at offset: Int, _ count: Int = 6, sized: Bool = true
    ) -> InlineArray<6, BaseAddress> {
        var bars = InlineArray<6, BaseAddress>(repeating: BaseAddress())
        var i = 0
        while i < count {
            let (low, mask) = probe(function, offset + i * 4, sized)
            if low & 1 != 0 {
                bars[i] = BaseAddress(.port, address: UInt64(low & ~3), size: UInt64(~(mask & ~3) &+ 1) & 0xFFFF)
            } else if low & 6 == 4, i + 1 < count {
                let (high, highMask) = probe(function, offset + i * 4 + 4, sized)
                let address = UInt64(high) << 32 | UInt64(low & ~0xF)
                let size = ~(UInt64(highMask) << 32 | UInt64(mask & ~0xF)) &+ 1
                bars[i] = BaseAddress(.memory64, address: address, size: sized ? size : address & (0 &- address))
                bars[i].isPrefetchable = low & 8 != 0
                i += 1
            } else {
                let size = UInt64(~(mask & ~0xF) &+ 1)
                // The last one cannot be half of a wide one: whoever wants to map it refuses it.
                let kind: BaseAddress.Kind = low & 6 == 4 ? .memory64 : .memory32
                bars[i] = BaseAddress(kind, address: UInt64(low & ~0xF), size: size)
                bars[i].isPrefetchable = low & 8 != 0
            }
            i += 1
        }
        return bars
    }

    /// The register, and which of its bits can be written; unless it is `sized`, those from its lowest 1 on.
    private func probe(_ function: UInt16, _ offset: Int, _ sized: Bool) -> (value: UInt32, mask: UInt32) {
        let value = space.read(function, offset, size: 4)
        guard sized else { return (value, value & ~0xF | (0 &- (value & ~0xF))) }
        space.write(function, offset, size: 4, .max)
        let mask = space.read(function, offset, size: 4)
        space.write(function, offset, size: 4, value)
        return (value, mask)
    }

    /// Follows both capability lists, each for as many steps as it has room for.
    public func readCapabilities(_ found: inout FunctionDescription) {
        let function = found.requester
        if space.read(function, 6, size: 2) & 1 << 4 != 0 {
            var at = Int(space.read(function, 0x34, size: 1) & 0xFC)
            for _ in 0..<48 where at >= 0x40 {
                note(capability: space.read(function, at, size: 1), at, &found)
                at = Int(space.read(function, at + 1, size: 1) & 0xFC)
            }
        }
        guard found.express != 0 else { return }
        var at = 0x100
        for _ in 0..<96 where at >= 0x100 {
            let header = space.read(function, at, size: 4)
            if header == 0 || header == .max { return }
            switch header & 0xFFFF {
            // Of what a function says it has beyond its configuration space, nothing is touched: there is the next one's.
            case 0x0D where at <= 0xFF8: found.accessControl = at
            case 0x10 where at <= 0xFC0: found.sriov = at
            case 0x15 where at <= 0xFC8: found.resizable = at
            case 0x24 where at <= 0xFC8: found.virtualResizable = at
            default: break
            }
            at = Int(header >> 20 & 0xFFC)
        }
    }

    /// Whether functions with this vendor and device say that they have a function level reset, and do not come back from it:
    /// AMD's audio, USB and SATA controllers of three chipsets, Intel's 82579. Other operating systems know the same ones.
    private static func isLostInReset(_ id: UInt32) -> Bool {
        switch id {
        case 0x1022_1487, 0x1022_148C, 0x1022_149C, 0x1022_7901, 0x8086_1502, 0x8086_1503: true
        default: false
        }
    }

    private func note(capability: UInt32, _ at: Int, _ found: inout FunctionDescription) {
        let function = found.requester
        switch capability {
        case 0x01: found.powerManagement = at
        case 0x05: found.msi = at
        case 0x10:
            found.express = at
            let isLost = Self.isLostInReset(UInt32(found.vendor) << 16 | UInt32(found.device))
            found.hasFunctionReset = space.read(function, at + 4, size: 4) & 1 << 28 != 0 && !isLost
        case 0x11:
            let table = space.read(function, at + 4, size: 4), pending = space.read(function, at + 8, size: 4)
            found.msix.capability = at
            found.msix.entries = Int(space.read(function, at + 2, size: 2) & 0x7FF) + 1
            found.msix.tableBAR = Int(table & 7)
            found.msix.tableOffset = UInt64(table & ~7)
            found.msix.pendingBAR = Int(pending & 7)
            found.msix.pendingOffset = UInt64(pending & ~7)
        default: break
        }
    }
}
