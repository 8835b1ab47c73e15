extension LMS {
    /// Whether `signature` is one of `message` by `key`, both as RFC 8554 has them (sections 5.3 and 5.4). No input traps.
    ///
    /// At most 2 to the digit's bits hashes for each chain: 51 times 15 with SHA-256/192 and digits of 4 bits.
    /// - Parameter message: puts the message's bytes into a hash.
    public static func verify(
        _ key: Span<UInt8>, _ signature: Span<UInt8>, _ message: (inout SHA256) -> Void
    ) -> Bool {
        guard key.count >= 24, let parameters = LMSParameters(tree: key.word(0), oneTime: key.word(4)),
            key.count == parameters.keyBytes, signature.count == parameters.signatureBytes
        else { return false }
        let lms = LMS(parameters, identifier: [key.word(8), key.word(12), key.word(16), key.word(20)])
        let q = signature.word(0), pathAt = signature.count - parameters.height * parameters.words * 4
        guard signature.word(4) == key.word(4), signature.word(pathAt - 4) == key.word(0),
            q >> UInt32(parameters.height) == 0
        else { return false }
        let bytes = parameters.words * 4
        var hash = lms.begin(q, Use.message)
        hash.put(signature.extracting(8..<8 + bytes))
        message(&hash)
        let digest = hash.finish()
        var ends = lms.begin(q, Use.chains)
        for i in 0..<parameters.chains {
            var value = signature.words(8 + bytes * (1 + i), parameters.words)
            lms.chain(q, i, lms.digit(i, digest)..<1 << parameters.digit - 1, &value)
            ends.put(value, count: parameters.words)
        }
        // Up the tree (algorithm 6a).
        var node = lms.leaf(q, ends.finish()), number = 1 << UInt32(parameters.height) + q
        for level in 0..<parameters.height {
            let other = signature.words(pathAt + level * bytes, parameters.words)
            node = number & 1 == 1 ? lms.node(number / 2, other, node) : lms.node(number / 2, node, other)
            number /= 2
        }
        let root = key.words(24, parameters.words)
        for i in 0..<parameters.words where node[i] != root[i] { return false }
        return true
    }
}

extension Span where Element == UInt8 {
    /// The word at byte `at`, most significant byte first.
    func word(_ at: Int) -> UInt32 {
        UInt32(self[at]) << 24 | UInt32(self[at + 1]) << 16 | UInt32(self[at + 2]) << 8 | UInt32(self[at + 3])
    }

    /// `count` of them, at most 8.
    func words(_ at: Int, _ count: Int) -> InlineArray<8, UInt32> {
        var words = InlineArray<8, UInt32>(repeating: 0)
        for i in 0..<count { words[i] = word(at + i * 4) }
        return words
    }
}
