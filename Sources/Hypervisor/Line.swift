import Manifest

/// One line of text under construction; what does not fit is cut.
struct Line {
    private(set) var text = Text<200>()

    init(_ words: StaticString) { add(words) }

    mutating func add(_ words: StaticString) {
        for i in 0..<words.utf8CodeUnitCount { unsafe text.append(words.utf8Start[i]) }
    }

    mutating func add<let n: Int>(_ other: Text<n>) {
        for i in 0..<other.count { text.append(other.bytes[i]) }
    }

    mutating func add(decimal value: UInt64) {
        var digits: [20 of UInt8] = .init(repeating: 0)
        var rest = value
        var count = 0
        repeat {
            digits[count] = UInt8(truncatingIfNeeded: rest % 10) + 0x30
            rest /= 10
            count += 1
        } while rest != 0
        while count > 0 {
            count -= 1
            text.append(digits[count])
        }
    }

    mutating func add(hex value: UInt64) {
        add("0x")
        var shift = value == 0 ? 0 : (63 - value.leadingZeroBitCount) & ~3
        while shift >= 0 {
            let digit = UInt8(truncatingIfNeeded: value >> UInt64(shift) & 15)
            text.append(digit < 10 ? digit + 0x30 : digit + 0x57)
            shift -= 4
        }
    }
}
