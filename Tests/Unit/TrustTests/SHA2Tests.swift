import Testing
import Trust

/// Against the examples of FIPS 180-4's companion and digests by another implementation (coreutils).
@Suite struct SHA2Tests {
    private func sha256(_ bytes: [UInt8]) -> String {
        var hash = SHA256()
        for byte in bytes { hash.put(byte) }
        let words = hash.finish()
        return (0..<8).map { hex(UInt64(words[$0]), digits: 8) }.joined()
    }

    /// In pieces of `piece` bytes.
    private func sha384(_ bytes: [UInt8], piece: Int = .max) -> String {
        var hash = SHA384()
        for start in stride(from: 0, to: bytes.count, by: min(piece, max(bytes.count, 1))) {
            let end = min(bytes.count, start + min(piece, bytes.count))
            unsafe bytes[start..<end].withUnsafeBytes { unsafe hash.put($0) }
        }
        return text(hash.finish())
    }
    private func text(_ digest: Digest384) -> String {
        (0..<48).map { hex(UInt64(digest[$0]), digits: 2) }.joined()
    }
    private func hex(_ value: UInt64, digits: Int) -> String {
        let text = String(value, radix: 16)
        return String(repeating: "0", count: digits - text.count) + text
    }

    @Test func standardExamples() {
        #expect(
            sha256(Array("abc".utf8)) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        #expect(sha256([]) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
        #expect(
            sha384(Array("abc".utf8))
                == "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7")
        #expect(
            sha384([])
                == "38b060a751ac96384cd9327eb1b1e36a21fdb71114be07434c0cc7bf63f6e1da274edebfe76f65fbd51ad2f14898b95b")
    }

    /// Every length around the ends of blocks, in pieces of every kind: a million bytes of digests, digested.
    @Test func allLengthsAndPieces() {
        var all256: [UInt8] = [], all384: [UInt8] = []
        for count in 0..<300 {
            let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ count) }
            let whole = sha384(bytes)
            for piece in [1, 3, 64, 127, 128, 129, 256] { #expect(sha384(bytes, piece: piece) == whole) }
            all384 += Array(whole.utf8)
            all256 += Array(sha256(bytes).utf8)
        }
        #expect(sha384(all384) == expected384)
        #expect(sha256(all256) == expected256)
    }
    /// By Python's hashlib.
    private let expected384 =
        "c31b3eac5dcc2ebf0ccc61c3d1451c0fbd45dabba5879cccb55b44809c28654752f14ace2e02680d6b4300ceb2e9eadd"
    private let expected256 = "def85da8f53f8ad58eda585dce61c0d7bfbb3da6924badae49d32d11288c576f"
}
