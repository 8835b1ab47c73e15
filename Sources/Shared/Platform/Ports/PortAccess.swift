/// One access to I/O space, packed into a word whose fields are looked at where they matter.
public struct PortAccess: Equatable, Sendable {
    /// Bits 31:16 port, 6:4 bytes (1, 2 or 4), 2 string instruction, 0 input.
    public let rawValue: UInt32

    @inline(__always)
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    /// From VMX's exit qualification (Intel SDM volume 3C, table 28-5): bytes less one in bits 2:0, IN in bit 3, a string in bit 4,
    /// the port in bits 31:16.
    @inline(__always)
    public init(qualification: UInt64) {
        let word = UInt32(truncatingIfNeeded: qualification)
        rawValue = word & 0xFFFF_0000 | ((word & 7) + 1) << 4 | word >> 2 & 4 | word >> 3 & 1
    }

    public var port: UInt16 { UInt16(truncatingIfNeeded: rawValue >> 16) }
    public var size: Int { Int(rawValue >> 4 & 7) }
    public var isString: Bool { rawValue & 1 << 2 != 0 }
    public var isInput: Bool { rawValue & 1 != 0 }

    /// RAX after an input: one of 32 bits clears the upper half, smaller ones leave what they do not write.
    public func merge(_ value: UInt32, into rax: UInt64) -> UInt64 {
        switch size {
        case 1: rax & ~0xFF | UInt64(value & 0xFF)
        case 2: rax & ~0xFFFF | UInt64(value & 0xFFFF)
        default: UInt64(value)
        }
    }

    /// Whether this is one byte, and not of a string, for a register of the UART.
    @inline(__always)
    public var isUARTByte: Bool { rawValue & 0xFFF8_0074 == 0x03F8_0010 }
}
