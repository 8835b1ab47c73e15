import Foundation
import Testing
import Trust

/// A public key, a message and its signature, as HSS has them.
struct SignedMessage: Sendable {
    var key: [UInt8] = []
    var message: [UInt8] = []
    var signature: [UInt8] = []

    /// RFC 8554's two with two levels, then those of pyhsslms with one.
    static let all: [SignedMessage] = {
        let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "lms.txt")
        var found: [SignedMessage] = []
        for line in ((try? String(contentsOf: file, encoding: .utf8)) ?? "").split(separator: "\n") {
            let parts = line.split(separator: " ")
            guard parts.count == 2 else { continue }
            let bytes = hex(parts[1])
            switch parts[0] {
            case "public_key": found.append(SignedMessage(key: bytes))
            case "message": found[found.count - 1].message = bytes
            case "signature": found[found.count - 1].signature = bytes
            default: break
            }
        }
        return found
    }()

    /// Each level by itself, by the lengths that its types give: HSS is nothing else (RFC 8554, section 6.3).
    func verifies() -> Bool {
        var key = Array(key.dropFirst(4)), rest = Array(signature.dropFirst(4))
        let signedKeys = signature[3]
        guard self.key[..<3] == [0, 0, 0], signature[..<3] == [0, 0, 0], self.key[3] == signedKeys + 1 else {
            return false
        }
        for _ in 0..<signedKeys {
            guard let size = parameters(key)?.signatureBytes, rest.count > size + 8,
                let next = parameters(Array(rest[size...]))
            else { return false }
            let nextKey = Array(rest[size..<size + next.keyBytes])
            guard lmsVerifies(key, Array(rest[..<size]), nextKey) else { return false }
            rest = Array(rest[(size + next.keyBytes)...])
            key = nextKey
        }
        return lmsVerifies(key, rest, message)
    }

    private func parameters(_ key: [UInt8]) -> LMSParameters? {
        let type = { (at: Int) in key[at..<at + 4].reduce(UInt32(0)) { $0 << 8 | UInt32($1) } }
        return LMSParameters(tree: type(0), oneTime: type(4))
    }
}

/// The bytes of hexadecimal digits.
func hex(_ digits: some StringProtocol) -> [UInt8] {
    let values = digits.compactMap(\.hexDigitValue)
    return stride(from: 0, to: values.count - 1, by: 2).map { UInt8(values[$0] << 4 | values[$0 + 1]) }
}

func lmsVerifies(_ key: [UInt8], _ signature: [UInt8], _ message: [UInt8]) -> Bool {
    LMS.verify(key.span, signature.span) { hash in for byte in message { hash.put(byte) } }
}

@Suite struct LMSTests {
    @Test func parameterSets() throws {
        // RFC 8554, table 1, and SP 800-208, tables 1 and 3: chains and shift, by digit.
        let expected: [(UInt32, UInt32, Int, Int)] = [
            (5, 1, 265, 7), (5, 2, 133, 6), (5, 3, 67, 4), (9, 4, 34, 0), (10, 5, 200, 8), (10, 6, 101, 6),
            (12, 7, 51, 4), (14, 8, 26, 0),
        ]
        for (tree, oneTime, chains, shift) in expected {
            let parameters = try #require(LMSParameters(tree: tree, oneTime: oneTime))
            #expect(parameters.chains == chains && parameters.shift == shift)
            #expect(parameters.height == Int((tree - 5) % 5 + 1) * 5 && parameters.words == (tree < 10 ? 8 : 6))
        }
        #expect(LMSParameters(tree: 12, oneTime: 7)?.signatureBytes == 1_620)
        #expect(LMSParameters(tree: 12, oneTime: 8)?.signatureBytes == 1_020)
        for (tree, oneTime) in [(0, 3), (4, 3), (15, 7), (5, 5), (10, 3), (10, 0), (10, 9), (UInt32.max, 7)] {
            #expect(LMSParameters(tree: tree, oneTime: UInt32(oneTime)) == nil)
        }
    }

    @Test func signaturesOfOthers() {
        #expect(SignedMessage.all.count == 8)
        for (i, signed) in SignedMessage.all.enumerated() { #expect(signed.verifies(), "vector \(i)") }
    }

    /// Every bit of the key and the message counts, and one of each byte of the signature.
    @Test func everyFlippedBitIsNoticed() {
        let signed = SignedMessage.all[2]
        var accepted: [String] = []
        for i in 0..<signed.key.count * 8 {
            var other = signed
            other.key[i / 8] ^= 1 << UInt8(i % 8)
            if other.verifies() { accepted.append("key, bit \(i)") }
        }
        for i in 0..<signed.message.count * 8 {
            var other = signed
            other.message[i / 8] ^= 1 << UInt8(i % 8)
            if other.verifies() { accepted.append("message, bit \(i)") }
        }
        for i in stride(from: 0, to: signed.signature.count * 8, by: 9) {
            var other = signed
            other.signature[i / 8] ^= 1 << UInt8(i % 8)
            if other.verifies() { accepted.append("signature, bit \(i)") }
        }
        #expect(accepted == [])
    }

    @Test func cutShortOrLonger() {
        let signed = SignedMessage.all[3]
        let key = Array(signed.key.dropFirst(4)), signature = Array(signed.signature.dropFirst(4))
        #expect(lmsVerifies(key, signature, signed.message))
        for count in 0..<signature.count { #expect(!lmsVerifies(key, Array(signature[..<count]), signed.message)) }
        for count in 0..<key.count { #expect(!lmsVerifies(Array(key[..<count]), signature, signed.message)) }
        #expect(!lmsVerifies(key + [0], signature, signed.message))
        #expect(!lmsVerifies(key, signature + [0], signed.message))
        #expect(!lmsVerifies(key, signature, signed.message + [0]))
    }
}
