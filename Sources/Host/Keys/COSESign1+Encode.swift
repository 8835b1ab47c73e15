import CBOR
import Trust

extension COSESign1 {
    /// A signed message; `sign` gets what puts the bytes to be signed into a hash.
    static func encode(
        _ payload: [UInt8], for purpose: StaticString, _ sign: ((inout SHA256) -> Void) -> [UInt8]
    ) -> [UInt8] {
        let signature = sign { hash in
            begin(&hash, purpose)
            hash.put(encode(count: payload.count + 9) { $0.bytes(payload.span) }.span)
        }
        let header = (0..<4).map { Self.header[$0] }
        return encode(count: payload.count + signature.count + 32) { writer in
            writer.array(4)
            writer.bytes(header.span)
            writer.map(0)
            writer.bytes(payload.span)
            writer.bytes(signature.span)
        }
    }

    /// What `write` writes, which is one item and fits.
    private static func encode(count: Int, _ write: (inout CBORWriter) -> Void) -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: count)
        var writer = CBORWriter(buffer.mutableSpan)
        write(&writer)
        let written = (try? writer.finish()) ?? 0
        return Array(buffer[..<written])
    }

    /// Whether the whole message is well-formed and by this key.
    public static func isSigned(_ message: [UInt8], by key: [UInt8], for purpose: StaticString) -> Bool {
        guard let decoded = try? COSESign1(message.span, max: message.count) else { return false }
        return decoded.isSigned(by: key.span, for: purpose)
    }
}
