/// Where the bit for reading or writing a register lies in VMX's MSR bitmap, counted from its first byte; 1 makes the
/// instruction exit (Intel SDM volume 3C, section 25.6.9). Nil for registers that the bitmap does not cover: they always
/// exit.
public func msrBitmapBit(_ msr: UInt32, write: Bool) -> Int? {
    let byte: Int
    switch msr {
    case 0...0x1FFF: byte = 0
    case 0xC000_0000...0xC000_1FFF: byte = 0x400
    default: return nil
    }
    return (byte + (write ? 0x800 : 0)) * 8 + Int(msr & 0x1FFF)
}
