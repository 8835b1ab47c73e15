import Testing

@testable import Platform

@Suite struct RTCTests {
    private func clock(_ time: UInt64) -> RTC {
        RTC(PlatformDescription(memorySize: 0, console: true, tscKHz: 2_000_000, bootTime: time, bootTSC: 500))
    }

    private func read(_ rtc: inout RTC, _ register: UInt8, tsc: UInt64 = 500) -> UInt8 {
        rtc.select(register)
        return rtc.read(tsc: tsc)
    }

    /// 2023-11-14 22:13:20 UTC, a Tuesday.
    @Test func bcd() {
        var rtc = clock(1_700_000_000)
        let time = [0x00, 0x02, 0x04, 0x06, 0x07, 0x08, 0x09, 0x32].map { read(&rtc, $0) }
        #expect(time == [0x20, 0x13, 0x22, 0x03, 0x14, 0x11, 0x23, 0x20])
        #expect(read(&rtc, 0x0A) & 0x80 == 0)
        #expect(read(&rtc, 0x0B) == 0x02)
        #expect(read(&rtc, 0x0D) == 0x80)
        #expect(read(&rtc, 0x8D) == 0x80)  // with the NMI mask
    }

    @Test func binaryAnd12Hours() {
        var rtc = clock(1_700_000_000)
        rtc.select(0x0B)
        rtc.write(0x84)
        #expect(read(&rtc, 0x0B) == 0x04)
        #expect(read(&rtc, 0x00) == 20)
        #expect(read(&rtc, 0x04) == 10 | 0x80)
        #expect(read(&rtc, 0x04, tsc: 500 + 2 * 3600 * 2_000_000_000) == 12)  // midnight
        #expect(read(&rtc, 0x04, tsc: 500 + 14 * 3600 * 2_000_000_000) == 12 | 0x80)  // noon
        #expect(read(&rtc, 0x09) == 23)
    }

    @Test func timeFollowsTheTSC() {
        var rtc = clock(1_700_000_000)
        #expect(read(&rtc, 0x00, tsc: 500 + 2_000_000_000 - 1) == 0x20)
        #expect(read(&rtc, 0x00, tsc: 500 + 2_000_000_000) == 0x21)
        #expect(read(&rtc, 0x00, tsc: 499) == 0x20)
        #expect(read(&rtc, 0x32, tsc: UInt64.max) == 0x23)  // 292 years on
    }

    @Test func guestsCannotSetIt() {
        var rtc = clock(1_700_000_000)
        rtc.select(0x00)
        rtc.write(0x55)
        #expect(read(&rtc, 0x00) == 0x20)
        #expect(read(&rtc, 0x40) == 0)
    }

    @Test(
        arguments: [
            (0, [1970, 1, 1, 5, 0, 0, 0]), (951_782_400, [2000, 2, 29, 3, 0, 0, 0]),
            (951_868_799, [2000, 2, 29, 3, 23, 59, 59]), (951_868_800, [2000, 3, 1, 4, 0, 0, 0]),
            (1_735_689_599, [2024, 12, 31, 3, 23, 59, 59]), (1_735_689_600, [2025, 1, 1, 4, 0, 0, 0]),
            (4_107_542_399, [2100, 2, 28, 1, 23, 59, 59]), (4_107_542_400, [2100, 3, 1, 2, 0, 0, 0]),
            (13_574_563_200, [2400, 2, 29, 3, 0, 0, 0]), (UInt64.max, [9999, 12, 31, 6, 23, 59, 59]),
        ] as [(UInt64, [Int])]) func calendar(unixTime: UInt64, expected: [Int])
    {
        let time = CalendarTime(unixTime: unixTime)
        #expect([time.year, time.month, time.day, time.weekday, time.hour, time.minute, time.second] == expected)
    }
}
