import Testing
import X86

/// XSETBV as a processor executes it, by the list of Intel SDM volume 2, "XSETBV", protected mode exceptions: typed in from
/// the manual, apart from `XCR0`.
private func faults(_ value: UInt64, supported: UInt64) -> Bool {
    func has(_ bit: UInt64) -> Bool { value >> bit & 1 == 1 }
    if value & ~supported != 0 { return true }
    if !has(0) { return true }
    if has(2) && !has(1) { return true }
    if has(3) != has(4) { return true }
    if (has(5) || has(6) || has(7)) && !(has(5) && has(6) && has(7) && has(2) && has(1)) { return true }
    return has(17) != has(18)
}

/// What root mode executes XSETBV with never faults.
@Suite struct XCR0Tests {
    /// Processors: SSE only, AVX, MPX too, AVX-512, AMX; and what guests are shown of the last.
    @Test(arguments: [0x3, 0x7, 0x1F, 0xE7, 0x2E7, 0x602E7, 0x2FF, .max] as [UInt64])
    func itTakesWhatTheProcessorTakesAndNothingElse(supported: UInt64) {
        var values: [UInt64] = [0, .max]
        for low in 0..<0x400 as Range<UInt64> { values += [low, low | 3 << 17, low | 1 << 17, low | 1 << 18] }
        for bit in 0..<64 as Range<UInt64> { values += [1 << bit, 1 << bit | 1, 1 << bit | 7, 1 << bit | 0x2E7] }
        var random = SystemRandomNumberGenerator()
        for _ in 0..<2000 { values += [random.next(), random.next() | 1] }
        for value in values {
            #expect(
                XCR0.isValid(value, supported: supported) == !faults(value, supported: supported),
                "\(String(value, radix: 16)) of \(String(supported, radix: 16))")
        }
    }

    private let all: UInt64 = 0x6_02FF

    @Test(
        arguments: [
            (0x1, true), (0x3, true), (0x7, true), (0xE7, true), (0x207, true), (0x2E7, true), (0x201, true),
            (0x1F, true), (0x6_02FF, true), (0x6_0007, true), (0x6_0001, true), (0x19, true),
            (0x0, false), (0x2, false), (0x6, false), (0x5, false), (0x205, false),
            (0x27, false), (0x47, false), (0x87, false), (0x67, false), (0xC7, false), (0xA7, false), (0xE3, false),
            (0xE1, false), (0xB, false), (0x13, false), (0x2_0003, false), (0x4_0003, false),
            (0x103, false), (0x8000_0000_0000_0003, false),
        ] as [(UInt64, Bool)]) func combinations(value: UInt64, isValid: Bool)
    {
        #expect(XCR0.isValid(value, supported: all) == isValid)
    }

    @Test func nothingBeyondWhatIsSupported() {
        for bit in 1..<64 as Range<UInt64> { #expect(!XCR0.isValid(1 | 1 << bit, supported: 1)) }
        #expect(!XCR0.isValid(7, supported: 3))
        #expect(XCR0.isValid(3, supported: 3))
        #expect(!XCR0.isValid(1, supported: 0))
    }
}
