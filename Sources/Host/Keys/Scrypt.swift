/// Makes a key of a passphrase so that each guess takes memory (RFC 7914).
public struct Scrypt: Equatable, Sendable {
    /// The binary logarithm of the cost: memory is 128 times block size times 2 to it.
    public var cost: Int
    /// In units of 128 bytes.
    public var blockSize = 8
    /// 32 MiB, a fraction of a second.
    public static let standard = Scrypt(cost: 15)

    public init(cost: Int, blockSize: Int = 8) { (self.cost, self.blockSize) = (cost, blockSize) }

    /// With parallelization 1, or as many lanes as `lanes` says.
    public func derive(_ passphrase: [UInt8], salt: [UInt8], count: Int, lanes: Int = 1) -> [UInt8] {
        let hmac = HMAC(key: passphrase), laneWords = 32 * blockSize
        let bytes = hmac.derive(salt: salt, count: lanes * laneWords * 4)
        var words = stride(from: 0, to: bytes.count, by: 4).map { at in
            UInt32(bytes[at]) | UInt32(bytes[at + 1]) << 8 | UInt32(bytes[at + 2]) << 16 | UInt32(bytes[at + 3]) << 24
        }
        for lane in 0..<lanes { mix(&words, from: lane * laneWords) }
        let mixed = words.flatMap { word in (0..<4).map { UInt8(truncatingIfNeeded: word >> UInt32($0 * 8)) } }
        return hmac.derive(salt: mixed, count: count)
    }

    /// scryptROMix (section 5) of the lane that begins at `start`.
    private func mix(_ words: inout [UInt32], from start: Int) {
        let count = 32 * blockSize, steps = 1 << cost
        var x = Array(words[start..<start + count]), other = x
        var memory = [UInt32](repeating: 0, count: count * steps)
        for i in 0..<steps {
            for k in 0..<count { memory[i * count + k] = x[k] }
            mixBlock(&x, &other)
        }
        for _ in 0..<steps {
            let j = Int(x[count - 16]) & (steps - 1)
            for k in 0..<count { x[k] ^= memory[j * count + k] }
            mixBlock(&x, &other)
        }
        for k in 0..<count { words[start + k] = x[k] }
    }

    /// scryptBlockMix (section 4): even blocks first, then odd ones.
    private func mixBlock(_ x: inout [UInt32], _ other: inout [UInt32]) {
        let blocks = 2 * blockSize
        var state = InlineArray<16, UInt32>(repeating: 0)
        for k in 0..<16 { state[k] = x[(blocks - 1) * 16 + k] }
        for i in 0..<blocks {
            for k in 0..<16 { state[k] ^= x[i * 16 + k] }
            Self.salsa(&state)
            let target = i % 2 == 0 ? i / 2 : blockSize + i / 2
            for k in 0..<16 { other[target * 16 + k] = state[k] }
        }
        swap(&x, &other)
    }

    /// Salsa20/8 (section 3).
    private static func salsa(_ state: inout InlineArray<16, UInt32>) {
        var x = state
        func turn(_ target: Int, _ a: Int, _ b: Int, _ by: UInt32) {
            let sum = x[a] &+ x[b]
            x[target] ^= sum &<< by | sum &>> (32 &- by)
        }
        func quarter(_ a: Int, _ b: Int, _ c: Int, _ d: Int) {
            turn(b, a, d, 7)
            turn(c, b, a, 9)
            turn(d, c, b, 13)
            turn(a, d, c, 18)
        }
        for _ in 0..<4 {
            quarter(0, 4, 8, 12)
            quarter(5, 9, 13, 1)
            quarter(10, 14, 2, 6)
            quarter(15, 3, 7, 11)
            quarter(0, 1, 2, 3)
            quarter(5, 6, 7, 4)
            quarter(10, 11, 8, 9)
            quarter(15, 12, 13, 14)
        }
        for i in 0..<16 { state[i] = state[i] &+ x[i] }
    }
}
