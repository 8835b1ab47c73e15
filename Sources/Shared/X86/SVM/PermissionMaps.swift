/// Where a register's two bits lie in SVM's MSR permission map: read at the bit, write at the next one
/// (AMD64 APM volume 2, section 15.11). Nil for registers that the map does not cover: they always exit.
public func msrPermissionBit(_ msr: UInt32) -> Int? {
    let byte: Int
    switch msr {
    case 0...0x1FFF: byte = 0
    case 0xC000_0000...0xC000_1FFF: byte = 0x800
    case 0xC001_0000...0xC001_1FFF: byte = 0x1000
    default: return nil
    }
    return byte * 8 + Int(msr & 0x1FFF) * 2
}
