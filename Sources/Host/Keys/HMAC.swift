import Foundation
import Trust

/// HMAC with SHA-256 (RFC 2104), begun once for a key and copied for each message.
struct HMAC {
    private var inner = SHA256()
    private var outer = SHA256()

    init(key: [UInt8]) {
        var block = key
        if block.count > 64 { block = SHA256.digest(Data(key)) }
        block += [UInt8](repeating: 0, count: 64 - block.count)
        for byte in block {
            inner.put(byte ^ 0x36)
            outer.put(byte ^ 0x5C)
        }
    }

    func authenticate(_ parts: [UInt8]...) -> [UInt8] {
        var inner = inner, outer = outer
        for part in parts { inner.put(part.span) }
        outer.put(inner.finish(), count: 8)
        return SHA256.bytes(outer.finish())
    }

    /// PBKDF2 (RFC 8018, section 5.2) with one iteration, as scrypt uses it.
    func derive(salt: [UInt8], count: Int) -> [UInt8] {
        var output: [UInt8] = []
        var block: UInt32 = 1
        while output.count < count {
            output += authenticate(salt, unsafe withUnsafeBytes(of: block.bigEndian) { unsafe Array($0) })
            block += 1
        }
        return Array(output.prefix(count))
    }
}

extension SHA256 {
    package static func digest(_ bytes: Data) -> [UInt8] {
        var hash = SHA256()
        hash.put(bytes.span)
        return Self.bytes(hash.finish())
    }

    static func bytes(_ words: InlineArray<8, UInt32>, count: Int = 8) -> [UInt8] {
        (0..<count * 4).map { UInt8(truncatingIfNeeded: words[$0 / 4] >> UInt32(24 - $0 % 4 * 8)) }
    }
}
