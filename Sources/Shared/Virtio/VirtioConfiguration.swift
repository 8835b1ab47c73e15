import Platform

/// Where the parts of a virtio function's I/O BAR are.
enum VirtioLayout {
    /// Bytes of the BAR.
    static let size = GuestWindows.virtioPorts
    // Common configuration is in front, 64 bytes.
    static let interruptStatus = 0x40
    static let configuration = 0x50
    /// One port for all queues, to which a queue's number is written.
    static let notification = 0x60
}

// Configuration space: BAR 0 has the ports, BAR 1 the page of MSI-X; shared memory is BAR 2.
extension VirtioFunction {
    /// The double word at `offset`, 0 to 4092, a multiple of 4.
    /// - Parameter hasOthers: whether further functions follow this one.
    func readConfiguration(_ offset: Int, hasOthers: Bool) -> UInt32 {
        if kind == .sharedMemory, let value = readMemoryConfiguration(offset) { return value }
        return switch offset {
        case 0x00: 0x1040_1AF4 + kind.deviceType << 16
        case 0x04: UInt32(command) | 1 << 20
        case 0x08: kind.classCode
        case 0x0C: hasOthers ? 0x0080_0000 : 0
        case 0x10: (sizing & 1 != 0 ? ~UInt32(VirtioLayout.size - 1) : UInt32(ports)) | 1
        case 0x14: sizing & 2 != 0 ? ~0xFFF : UInt32(truncatingIfNeeded: page)
        case 0x2C: 0x0040_1AF4 + kind.deviceType << 16
        case 0x34: 0x40
        // MSI-X, in BAR 1.
        case 0x40: 0x5011 | vectors.header
        case 0x44: 1
        case 0x48: UInt32(VirtioVectors.pendingOffset) | 1
        // Vendor's: common, notification, interrupt status, device configuration (section 4.1.4), in BAR 0.
        case 0x50: Self.capability(1, length: 16, next: 0x60)
        case 0x5C: 64
        case 0x60: Self.capability(2, length: 20, next: 0x74)
        case 0x68: UInt32(VirtioLayout.notification)
        case 0x6C: 4
        case 0x74: Self.capability(3, length: 16, next: 0x84)
        case 0x7C: UInt32(VirtioLayout.interruptStatus)
        case 0x80: 4
        case 0x84: Self.capability(4, length: 16, next: 0)
        case 0x8C: UInt32(VirtioLayout.configuration)
        case 0x90: UInt32(VirtioLayout.notification - VirtioLayout.configuration)
        default: 0
        }
    }

    /// Of shared memory, which has no registers and no capabilities, but BAR 2; nil where it is like the others.
    private func readMemoryConfiguration(_ offset: Int) -> UInt32? {
        switch offset {
        case 0x00, 0x08, 0x0C, 0x2C: nil
        case 0x04: UInt32(command)
        case 0x18: UInt32(truncatingIfNeeded: sizing & 4 != 0 ? ~(WireHalf.memorySize * 2 - 1) : page) | 8
        default: 0
        }
    }

    private static func capability(_ type: UInt32, length: UInt32, next: UInt32) -> UInt32 {
        0x09 | next << 8 | length << 16 | type << 24
    }

    /// Writes the bits in `mask` of the double word at `offset`.
    mutating func writeConfiguration(_ offset: Int, _ value: UInt32, mask: UInt32) {
        switch offset {
        case 0x04:
            let writable = kind == .sharedMemory ? Command.writable : Command.writable | Command.ports
            command = UInt16(truncatingIfNeeded: UInt32(command) & ~mask | value & mask) & writable
        case 0x10, 0x14, 0x18:
            let bit = 1 << UInt8((offset - 0x10) / 4) as UInt8
            if value & mask | 0xF == .max { sizing |= bit } else { sizing &= ~bit }
        case 0x40: vectors.writeHeader(value, mask: mask)
        default: return
        }
    }
}

extension VirtioFunction {
    /// Carries out an access to the page of MSI-X, by double words; ones where it is none.
    mutating func access(page offset: Int, size: Int, value: UInt64?) -> UInt64 {
        guard size >= 4, offset & (size - 1) == 0 else { return UInt64.max >> UInt64(64 - size * 8) }
        var read: UInt64 = 0
        for i in 0..<size / 4 {
            if let value { vectors.write(offset + 4 * i, UInt32(truncatingIfNeeded: value >> UInt64(32 * i))) }
            read |= UInt64(vectors.read(offset + 4 * i)) << UInt64(32 * i)
        }
        return read
    }
}
