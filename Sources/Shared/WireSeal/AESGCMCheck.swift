import AESGCM

/// What AES-256-GCM makes of an input that is known: asked wherever a key is taken, so that no code or processor that computes wrongly
/// seals anything.
enum AESGCMCheck {
    /// Test case 14 of the GCM specification (McGrew and Viega): key, nonce and text of zeroes. The text is
    /// opened again, and refused with a changed bit of the tag.
    static func passes() -> Bool {
        let secret = [32 of UInt8](repeating: 0), nonce = [12 of UInt8](repeating: 0)
        var key = aesgcm_key(), text = [16 of UInt8](repeating: 0), tag = [16 of UInt8](repeating: 0)
        unsafe secret.span.withUnsafeBufferPointer { unsafe aesgcm_prepare(&key, $0.baseAddress) }
        let wanted: [16 of UInt8] = [
            0xCE, 0xA7, 0x40, 0x3D, 0x4D, 0x60, 0x6B, 0x6E, 0x07, 0x4E, 0xC5, 0xD3, 0xBA, 0xF3, 0x9D, 0x18,
        ]
        let wantedTag: [16 of UInt8] = [
            0xD0, 0xD1, 0xC8, 0xA7, 0x99, 0x99, 0x6B, 0xF0, 0x26, 0x5B, 0x98, 0xB5, 0xD4, 0x8A, 0xB9, 0x19,
        ]
        return unsafe nonce.span.withUnsafeBufferPointer { nonce in
            unsafe withUnsafeMutableBytes(of: &text) { text in
                unsafe withUnsafeMutableBytes(of: &tag) { tag in
                    let at = unsafe text.baseAddress?.assumingMemoryBound(to: UInt8.self)
                    let code = unsafe tag.baseAddress?.assumingMemoryBound(to: UInt8.self)
                    unsafe aesgcm_seal(&key, nonce.baseAddress, nil, 0, at, 16, code)
                    for i in 0..<16 where unsafe text[i] != wanted[i] || tag[i] != wantedTag[i] { return false }
                    unsafe tag[15] ^= 1
                    guard unsafe aesgcm_open(&key, nonce.baseAddress, nil, 0, at, 16, code) == 0 else { return false }
                    unsafe tag[15] ^= 1
                    guard unsafe aesgcm_open(&key, nonce.baseAddress, nil, 0, at, 16, code) == 1 else { return false }
                    for i in 0..<16 where unsafe text[i] != 0 { return false }
                    return true
                }
            }
        }
    }
}
