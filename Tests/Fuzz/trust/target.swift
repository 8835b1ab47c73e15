import CBOR
import Trust

/// What libFuzzer calls with each input: a key's length, the key, and a signed manifest, as they come from the boot volume.
/// Whatever they are, nothing traps; what is accepted ends with a signature and has the length that its key's types give.
@c(LLVMFuzzerTestOneInput)
public func fuzzTrust(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    guard count > 0 else { return 0 }
    let input = unsafe UnsafeBufferPointer(start: start, count: count)
    let bytes = unsafe input.span
    let keyEnd = 1 + min(Int(bytes[0]), count - 1)
    let key = bytes.extracting(1..<keyEnd), message = bytes.extracting(keyEnd..<count)
    do throws(CBORError) {
        let signed = try COSESign1(message, max: 2048)
        guard signed.payload.count <= 2048, signed.payload.count < message.count else {
            fatalError("a payload longer than its message")
        }
        if signed.isSigned(by: key, for: "manifest"), message.count < 1000 {
            fatalError("a signature that is too short")
        }
    } catch {}
    _ = LMS.verify(key, message) { $0.put(0) }
    return 0
}
