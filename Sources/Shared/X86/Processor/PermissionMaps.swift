/// An MSR's place among those that permission maps have bits for, 2000h of them in each of three ranges; nil for others, which
/// always exit.
private func place(_ msr: UInt32) -> Int? {
    switch msr {
    case 0...0x1FFF: Int(msr)
    case 0xC000_0000...0xC000_1FFF: 0x2000 + Int(msr & 0x1FFF)
    case 0xC001_0000...0xC001_1FFF: 0x4000 + Int(msr & 0x1FFF)
    default: nil
    }
}

/// Where a register's two bits lie in SVM's MSR permission map: read at the bit, write at the next one
/// (AMD64 APM volume 2, section 15.11).
public func msrPermissionBit(_ msr: UInt32) -> Int? { place(msr).map { $0 * 2 } }

/// Where the bit for reading or writing a register lies in VMX's MSR bitmap, counted from its first byte; 1 makes the
/// instruction exit (Intel SDM volume 3C, section 25.6.9). The bitmap has the first two ranges, those for writes behind them.
public func msrBitmapBit(_ msr: UInt32, write: Bool) -> Int? {
    place(msr).flatMap { $0 < 0x4000 ? $0 + (write ? 0x4000 : 0) : nil }
}
