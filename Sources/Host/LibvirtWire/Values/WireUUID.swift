/// Sixteen bytes that tell an object apart.
public struct WireUUID: Hashable, Sendable, CustomStringConvertible {
    public let bytes: [UInt8]

    /// - Parameter bytes: sixteen.
    public init?(_ bytes: some Collection<UInt8>) {
        guard bytes.count == 16 else { return nil }
        self.bytes = Array(bytes)
    }

    /// Thirty-two hexadecimal digits; libvirt takes hyphens and spaces anywhere between two of them.
    public init?(text: String) {
        let digits = text.utf8.filter { $0 != 0x2D && $0 != 0x20 }
        guard digits.count == 32 else { return nil }
        var bytes: [UInt8] = []
        for index in stride(from: 0, to: 32, by: 2) {
            let pair = String(decoding: digits[index..<index + 2], as: UTF8.self)
            guard pair.utf8.allSatisfy({ $0 != 0x2B }), let byte = UInt8(pair, radix: 16) else { return nil }
            bytes.append(byte)
        }
        self.bytes = bytes
    }

    public init(_ reader: inout XDRReader) throws(XDRError) { bytes = Array(try reader.opaque(count: 16)) }

    public static func random() -> WireUUID {
        var bytes = (0..<16).map { _ in UInt8.random(in: 0...255) }
        bytes[6] = bytes[6] & 0x0F | 0x40
        bytes[8] = bytes[8] & 0x3F | 0x80
        // Sixteen there are.
        return WireUUID(bytes: bytes)
    }

    /// A UUID of version 8 (RFC 9562) that is always the same for the same words: two FNV-1a hashes of 64 bits. It tells
    /// things apart and proves nothing.
    public static func named(_ words: String...) -> WireUUID {
        var halves: [UInt64] = [0xCBF2_9CE4_8422_2325, 0x8422_2325_CBF2_9CE4]
        for byte in words.joined(separator: "\u{0}").utf8 {
            for half in halves.indices { halves[half] = (halves[half] ^ UInt64(byte)) &* 0x100_0000_01B3 }
        }
        var bytes = halves.flatMap { half in
            stride(from: 56, through: 0, by: -8).map { UInt8(truncatingIfNeeded: half >> $0) }
        }
        bytes[6] = bytes[6] & 0x0F | 0x80
        bytes[8] = bytes[8] & 0x3F | 0x80
        return WireUUID(bytes: bytes)
    }

    private init(bytes: [UInt8]) { self.bytes = bytes }

    public var description: String {
        let digits = Array("0123456789abcdef".utf8)
        var text: [UInt8] = []
        text.reserveCapacity(36)
        for (index, byte) in bytes.enumerated() {
            if [4, 6, 8, 10].contains(index) { text.append(UInt8(ascii: "-")) }
            text += [digits[Int(byte >> 4)], digits[Int(byte & 15)]]
        }
        return String(decoding: text, as: UTF8.self)
    }
}
