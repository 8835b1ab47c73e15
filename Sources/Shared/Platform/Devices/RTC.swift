/// The clock of a PC (Motorola MC146818A data sheet; century at 32h as the FADT and PC firmware have it). It runs by the
/// time-stamp counter; guests may choose its number format but not set it.
public struct RTC: Sendable {
    private let bootTime: UInt64
    private let bootTSC: UInt64
    private let tscHz: UInt64
    private var index: UInt8 = 0
    /// Register B: 24-hour, BCD at first.
    private var control: UInt8 = Self.hours24

    /// The FADT's CENTURY.
    public static let century: UInt8 = 0x32
    private static let hours24: UInt8 = 1 << 1
    private static let binary: UInt8 = 1 << 2

    public init(_ platform: borrowing PlatformDescription) {
        bootTime = platform.bootTime
        bootTSC = platform.bootTSC
        tscHz = UInt64(platform.tscKHz) * 1000
    }

    /// A write to the index port; bit 7, the NMI mask, is not for the guest.
    public mutating func select(_ register: UInt8) { index = register & 0x7F }

    /// A write to the data port. Only the number format can be changed.
    public mutating func write(_ value: UInt8) {
        if index == 0x0B { control = value & (Self.hours24 | Self.binary) }
    }

    /// A read of the data port.
    public func read(tsc: UInt64) -> UInt8 {
        switch index {
        case 0x0A: return 0x26  // 32.768 kHz, 1024 Hz; no update ever in progress
        case 0x0B: return control
        case 0x0D: return 0x80  // memory and time are valid
        default: break
        }
        let elapsed = tscHz == 0 || tsc < bootTSC ? 0 : (tsc - bootTSC) / tscHz
        let time = CalendarTime(unixTime: bootTime &+ elapsed)
        switch index {
        case 0x00: return number(time.second)
        case 0x02: return number(time.minute)
        case 0x04: return hour(time.hour)
        case 0x06: return number(time.weekday)
        case 0x07: return number(time.day)
        case 0x08: return number(time.month)
        case 0x09: return number(time.year % 100)
        case Self.century: return number(time.year / 100)
        default: return 0
        }
    }

    private func hour(_ hour: Int) -> UInt8 {
        guard control & Self.hours24 == 0 else { return number(hour) }
        // 12 to 11, with bit 7 for the afternoon.
        return number((hour + 11) % 12 + 1) | (hour >= 12 ? 0x80 : 0)
    }

    /// - Parameter value: 0 to 99.
    private func number(_ value: Int) -> UInt8 {
        UInt8(truncatingIfNeeded: control & Self.binary != 0 ? value : (value / 10) << 4 | value % 10)
    }
}
