/// Where text goes one byte at a time: a console, a buffer, a `Text`.
public protocol ByteSink: ~Copyable {
    mutating func put(_ byte: UInt8)
}

extension ByteSink where Self: ~Copyable {
    /// `words` with numbers in their places: `%d` is the next one in decimal digits, `%x` in hexadecimal ones.
    @inline(never)
    public mutating func write(_ words: StaticString, _ a: UInt64 = 0, _ b: UInt64 = 0, _ c: UInt64 = 0) {
        let numbers: [3 of UInt64] = [a, b, c]
        var at = 0, next = 0
        while let letter = write(words, from: &at) {
            if letter == UInt8(ascii: "d") { write(decimal: numbers[next]) } else { write(hexadecimal: numbers[next]) }
            next += 1
        }
    }

    /// Writes `words` from the byte `at` on up to the next fact, which is `%` and a letter; moves `at` behind it.
    /// - Returns: the letter; nil at the end.
    public mutating func write(_ words: StaticString, from at: inout Int) -> UInt8? {
        while at < words.utf8CodeUnitCount {
            // The compiler laid down utf8CodeUnitCount bytes there, and a zero, for the life of the program.
            let byte = unsafe words.utf8Start[at]
            at += 1
            guard byte == UInt8(ascii: "%") else {
                put(byte)
                continue
            }
            at += 1
            return unsafe words.utf8Start[at - 1]
        }
        return nil
    }

    /// Bytes that may come from anywhere: those that are not printable ASCII are shown as `?`, so that a hostile name
    /// cannot steer a terminal.
    @inline(never)
    public mutating func writePrintable<let n: Int>(_ text: borrowing Text<n>) {
        for i in 0..<text.count { put(0x20...0x7E ~= text.bytes[i] ? text.bytes[i] : UInt8(ascii: "?")) }
    }

    @inline(never)
    public mutating func write(decimal value: UInt64) {
        var divisor: UInt64 = 1
        while value / divisor >= 10 { divisor *= 10 }
        while divisor > 0 {
            put(UInt8(ascii: "0") + UInt8(value / divisor % 10))
            divisor /= 10
        }
    }

    /// `0x` and at least one digit.
    public mutating func write(hexadecimal value: UInt64) {
        write("0x")
        write(hexadecimal: value, digits: max(1, (67 - value.leadingZeroBitCount) / 4))
    }

    /// The lowest `digits` digits, at most 16, without `0x`.
    @inline(never)
    public mutating func write(hexadecimal value: UInt64, digits: Int) {
        for i in 1...digits {
            let digit = UInt8(truncatingIfNeeded: value >> UInt64((digits - i) * 4) & 0xF)
            put(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
        }
    }

    /// Bytes in the largest of GiB, MiB, KiB that leaves no rest.
    public mutating func write(size: UInt64) {
        let unit = size == 0 ? 0 : min(size.trailingZeroBitCount / 10, 3)
        write(decimal: size >> UInt64(unit * 10))
        let names: [4 of StaticString] = [" bytes", " KiB", " MiB", " GiB"]
        write(names[unit])
    }
}
