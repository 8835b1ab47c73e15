import AESGCM
import Testing
import Trust

@testable import WireSeal

/// AES-256-GCM and what keys are derived with, by vectors of others.
@Suite struct AESGCMTests {
    struct Vector: Sendable, CustomTestStringConvertible {
        let number: Int
        let key, nonce, text, associated, sealed, tag: String
        var testDescription: String { "test case \(number)" }
    }

    /// The GCM specification (McGrew and Viega), appendix B, those with keys of 256 bits and nonces of 96.
    static let vectors = [
        Vector(
            number: 13, key: String(repeating: "00", count: 32), nonce: "000000000000000000000000", text: "",
            associated: "", sealed: "", tag: "530f8afbc74536b9a963b4f1c4cb738b"),
        Vector(
            number: 14, key: String(repeating: "00", count: 32), nonce: "000000000000000000000000",
            text: "00000000000000000000000000000000", associated: "", sealed: "cea7403d4d606b6e074ec5d3baf39d18",
            tag: "d0d1c8a799996bf0265b98b5d48ab919"),
        Vector(
            number: 15, key: "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
            nonce: "cafebabefacedbaddecaf888",
            text: "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
                + "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255",
            associated: "",
            sealed: "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
                + "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662898015ad",
            tag: "b094dac5d93471bdec1a502270e3cc6c"),
        Vector(
            number: 16, key: "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
            nonce: "cafebabefacedbaddecaf888",
            text: "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
                + "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
            associated: "feedfacedeadbeeffeedfacedeadbeefabaddad2",
            sealed: "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
                + "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662",
            tag: "76fc6ece0f4e1768cddf8853bb2d551b"),
    ]

    @Test(arguments: vectors) func theSpecificationsVectorsHold(_ vector: Vector) {
        var key = aesgcm_key()
        aesgcm_prepare(&key, hex(vector.key))
        var data = hex(vector.text), tag = [UInt8](repeating: 0, count: 16)
        let nonce = hex(vector.nonce), associated = hex(vector.associated), size = data.count
        aesgcm_seal(&key, nonce, associated, associated.count, &data, size, &tag)
        #expect(data == hex(vector.sealed) && tag == hex(vector.tag))
        // Nothing that is changed opens, and it stays as it is.
        for bit in 0..<128 {
            var wrong = tag
            wrong[bit / 8] ^= 1 << UInt8(bit % 8)
            #expect(aesgcm_open(&key, nonce, associated, associated.count, &data, size, wrong) == 0)
        }
        for bit in 0..<size * 8 {
            data[bit / 8] ^= 1 << UInt8(bit % 8)
            #expect(aesgcm_open(&key, nonce, associated, associated.count, &data, size, tag) == 0)
            data[bit / 8] ^= 1 << UInt8(bit % 8)
        }
        #expect(data == hex(vector.sealed))
        #expect(aesgcm_open(&key, nonce, associated, associated.count, &data, size, tag) == 1)
        #expect(data == hex(vector.text))
        #expect(AESGCMCheck.passes())
    }

    /// RFC 4231, test cases 1 and 2.
    @Test func theCodeIsHMACs() {
        func code(_ key: [UInt8], _ text: String) -> [UInt8] {
            var code = key.withUnsafeBytes { HMAC384($0) }
            for byte in text.utf8 { code.put(byte) }
            let digest = code.finish()
            return (0..<48).map { digest[$0] }
        }
        let first = "afd03944d84895626b0825f4ab46907f15f9dadbe4101ec682aa034c7cebc59cfaea9ea9076ede7f4af152e8b2fa9cb6"
        let second = "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649"
        #expect(code([UInt8](repeating: 0x0B, count: 20), "Hi There") == hex(first))
        #expect(code(Array("Jefe".utf8), "what do ya want for nothing?") == hex(second))
    }

    /// As another implementation of SP 800-108 derives them (pyca/cryptography's KBKDFHMAC).
    @Test func keysAreDerivedByTheStandard() {
        let secret = (0..<32).map { UInt8($0) }, key = secret.withUnsafeBytes { SealKey(secret: $0) }
        #expect(bytes(key) == hex("9cee3618a00ad0a2aad3371e1e13079b93783d26d42210f6566457bc0f283b05"))
        let keys = WireKeys(key, "lan")
        #expect(bytes(keys.greeting) == hex("da7bc302bfb899ae1ed58eb1026c908c2401283d33c149d95a58631219d6e2af"))
        #expect((0..<3).map { keys.pair[$0] } == hex("ec1a5d"))
        #expect(bytes(keys.session) == hex("caf1ba72f183ed0969e8e6522e16189c682396f64f2d25e3897d7bd431a9d926"))
        let frames = secret.withUnsafeBytes { keys.session.derive("frames", $0) }
        let expected = hex("18fdd0aa8d2ea31b60e8b8e4174fe9badd41965e36835f147c8c2ace0abe605f23a0bb68")
        #expect((0..<36).map { frames[$0] } == expected)
        // Each of a session's numbers is of its own direction.
        let nonces = secret.withUnsafeBytes { (SealNonce($0, at: 0), SealNonce($0, at: 16)) }
        let there = SealedSession(keys.session, own: nonces.0, peer: nonces.1)
        let back = SealedSession(keys.session, own: nonces.1, peer: nonces.0)
        #expect(there.sendID == 0x23A0_BB69 && there.sendID == back.receiveID && there.receiveID == back.sendID)
        #expect(there.receiveID != there.sendID)
        // By words and back, as the loader hands it over.
        var words = [8 of UInt32](repeating: 0)
        for i in 0..<8 { words[i] = key.word(i) }
        #expect(bytes(SealKey(words: words)) == bytes(key))
    }

    private func bytes(_ key: SealKey) -> [UInt8] { (0..<32).map { key.bytes[$0] } }
}

/// The bytes of hexadecimal digits.
func hex(_ digits: String) -> [UInt8] {
    let digits = Array(digits.utf8)
    return stride(from: 0, to: digits.count, by: 2).compactMap {
        UInt8(String(decoding: digits[$0..<$0 + 2], as: UTF8.self), radix: 16)
    }
}
