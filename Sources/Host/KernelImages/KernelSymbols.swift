/// The names that a kernel keeps of itself, and their addresses (Linux, scripts/kallsyms.c): each name is a row of tokens, one byte
/// each, and 256 tokens are spelled out in a table. Nothing says where these tables lie; they are found by what must stand in them.
struct KernelSymbols {
    let all: [(name: String, address: UInt64)]

    /// - Parameter base: the kernel's first virtual address, to which offsets are relative.
    init(_ bytes: [UInt8], base: UInt64) throws {
        guard let tokens = Self.tokens(bytes) else { throw KernelImageError("it keeps no names (kallsyms)") }
        func word(_ at: Int, _ count: Int = 4) -> UInt64 { KernelImage.number(bytes, at, count) }
        // Up to Linux 6.3: offsets, base, number of names, names; then the tokens. From 6.4 on: number, names; tokens; offsets, base.
        var places: (names: Int, count: Int, offsets: Int)?
        for at in stride(from: tokens.start & ~7, to: 16, by: -8) where word(at, 8) == base {
            let count = Int(clamping: word(at + 8, 8))
            guard 1000..<1_000_000 ~= count else { continue }
            places = (at + 16, count, at - (count * 4 + 7) & ~7)
            break
        }
        if places == nil {
            let offsets = tokens.end
            let end = stride(from: offsets, to: min(offsets + 4_000_000, bytes.count - 8), by: 8).first {
                word($0, 8) == base
            }
            for count in end.map({ [($0 - offsets) / 4, ($0 - offsets) / 4 - 1] }) ?? [] {
                let at = stride(from: tokens.start & ~7, to: 0, by: -8).first { word($0, 8) == UInt64(count) }
                if let at { places = (at + 8, count, offsets) }
            }
        }
        guard var (at, count, offsets) = places, offsets >= 0 else {
            throw KernelImageError("its table of names has a form that is not known")
        }
        var all: [(name: String, address: UInt64)] = []
        all.reserveCapacity(count)
        for index in 0..<count {
            guard at + 2 < tokens.start else { throw KernelImageError("its table of names is damaged") }
            var length = Int(bytes[at])
            at += 1
            if length & 0x80 != 0 {
                length = length & 0x7F | Int(bytes[at]) << 7
                at += 1
            }
            guard at + length <= tokens.start else { throw KernelImageError("its table of names is damaged") }
            let name = bytes[at..<at + length].flatMap { tokens.all[Int($0)] }
            at += length
            // Those of one processor's data are absolute and not negative; all others count down from below the base.
            let offset = Int64(Int32(truncatingIfNeeded: word(offsets + index * 4)))
            let address = offset < 0 ? base &- 1 &- UInt64(bitPattern: offset) : UInt64(offset)
            // The first letter is the symbol's type.
            all.append((String(decoding: name.dropFirst(), as: UTF8.self), address))
        }
        self.all = all
    }

    /// The table of tokens: "0" to "9" stand there in a row, and behind it a list says where each token begins.
    private static func tokens(_ bytes: [UInt8]) -> (all: [[UInt8]], start: Int, end: Int)? {
        let digits: [UInt8] = (0x30...0x39).flatMap { [$0, 0] }
        var from = 0
        while let found = unsafe bytes.withUnsafeBytes({ unsafe find(digits, in: $0, from: from) }) {
            from = found + 1
            // 48 tokens come before that of "0".
            var start = found, count = 0
            while count < 48, start > 1 {
                start -= 1
                repeat { start -= 1 } while start > 0 && bytes[start] != 0
                start += 1
                count += 1
            }
            var all: [[UInt8]] = [], offsets: [Int] = [], at = start
            while all.count < 256, at < bytes.count, let end = bytes[at...].prefix(64).firstIndex(of: 0) {
                offsets.append(at - start)
                all.append(Array(bytes[at..<end]))
                at = end + 1
            }
            let list = (at + 7) & ~7
            guard all.count == 256, list + 512 <= bytes.count else { continue }
            if (0..<256).allSatisfy({ Int(KernelImage.number(bytes, list + $0 * 2, 2)) == offsets[$0] }) {
                return (all, start, list + 512)
            }
        }
        return nil
    }

    private static func find(_ pattern: [UInt8], in bytes: UnsafeRawBufferPointer, from: Int) -> Int? {
        guard bytes.count - from >= pattern.count else { return nil }
        for at in from...(bytes.count - pattern.count) where unsafe bytes[at] == pattern[0] {
            if unsafe (1..<pattern.count).allSatisfy({ unsafe bytes[at + $0] == pattern[$0] }) { return at }
        }
        return nil
    }
}
