extension ByteSink where Self: ~Copyable {
    public mutating func write(_ words: StaticString) {
        // The compiler laid down utf8CodeUnitCount bytes there, for the life of the program.
        for i in 0..<words.utf8CodeUnitCount { unsafe put(words.utf8Start[i]) }
    }

    /// Bytes that may come from anywhere: those that are not printable ASCII are shown as `?`, so that a hostile name
    /// cannot steer a terminal.
    public mutating func writePrintable<let n: Int>(_ text: borrowing Text<n>) {
        for i in 0..<text.count { put(0x20...0x7E ~= text.bytes[i] ? text.bytes[i] : UInt8(ascii: "?")) }
    }

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
        var shift: UInt64 = 60
        while shift > 0, value >> shift == 0 { shift -= 4 }
        while true {
            let digit = UInt8(value >> shift & 0xF)
            put(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
            if shift == 0 { return }
            shift -= 4
        }
    }

    /// Bytes in the largest of GiB, MiB, KiB that leaves no rest.
    public mutating func write(size: UInt64) {
        if size >= 1 << 30, size % (1 << 30) == 0 {
            write(decimal: size >> 30)
            write(" GiB")
        } else if size >= 1 << 20, size % (1 << 20) == 0 {
            write(decimal: size >> 20)
            write(" MiB")
        } else if size >= 1 << 10, size % (1 << 10) == 0 {
            write(decimal: size >> 10)
            write(" KiB")
        } else {
            write(decimal: size)
            write(" bytes")
        }
    }
}
