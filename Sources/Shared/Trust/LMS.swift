/// Leighton-Micali signatures (RFC 8554; SP 800-208): a hash and nothing else. A key signs as often as its tree has leaves, and
/// each leaf once.
public struct LMS: Sendable {
    public let parameters: LMSParameters
    /// Of the key pair, "I": part of all that is hashed.
    public let identifier: InlineArray<4, UInt32>

    public init(_ parameters: LMSParameters, identifier: InlineArray<4, UInt32>) {
        (self.parameters, self.identifier) = (parameters, identifier)
    }

    /// What tells the uses of the hash apart (section 4.2 and 5.1).
    public enum Use { public static let message: UInt16 = 0x8181, chains: UInt16 = 0x8080 }
    enum NodeUse { static let leaf: UInt16 = 0x8282, inner: UInt16 = 0x8383 }

    /// A hash that has begun with identifier, leaf or node, and use or chain.
    public func begin(_ number: UInt32, _ use: UInt16) -> SHA256 {
        var hash = SHA256()
        for i in 0..<4 { hash.put(word: identifier[i]) }
        hash.put(word: number)
        hash.put(UInt8(use >> 8))
        hash.put(UInt8(truncatingIfNeeded: use))
        return hash
    }

    /// Goes along chain `i` of leaf `q` from step `first` to before step `last`.
    public func chain(
        _ q: UInt32, _ i: Int, _ steps: Range<Int>, _ value: inout InlineArray<8, UInt32>
    ) {
        for step in steps {
            var hash = begin(q, UInt16(i))
            hash.put(UInt8(step))
            hash.put(value, count: parameters.words)
            value = hash.finish()
        }
    }

    /// Of a message's digest and its checksum, the digit for chain `i` (sections 3.1.3 and 4.4).
    public func digit(_ i: Int, _ digest: borrowing InlineArray<8, UInt32>) -> Int {
        let inDigest = parameters.words * 32 / parameters.digit, mask = 1 << parameters.digit - 1
        func plain(_ k: Int) -> Int {
            let bit = k * parameters.digit
            return Int(digest[bit / 32] >> UInt32(32 - parameters.digit - bit % 32)) & mask
        }
        if i < inDigest { return plain(i) }
        var checksum = 0
        for k in 0..<inDigest { checksum += mask - plain(k) }
        let bit = (i - inDigest) * parameters.digit
        return (checksum << parameters.shift) >> (16 - parameters.digit - bit) & mask
    }

    /// A leaf of the tree, made of what the chains of its one-time key end with.
    public func leaf(_ q: UInt32, _ ends: borrowing InlineArray<8, UInt32>) -> InlineArray<8, UInt32> {
        var hash = begin(1 << UInt32(parameters.height) + q, NodeUse.leaf)
        hash.put(ends, count: parameters.words)
        return hash.finish()
    }

    /// The node with this number above two others.
    public func node(
        _ number: UInt32, _ left: borrowing InlineArray<8, UInt32>, _ right: borrowing InlineArray<8, UInt32>
    ) -> InlineArray<8, UInt32> {
        var hash = begin(number, NodeUse.inner)
        hash.put(left, count: parameters.words)
        hash.put(right, count: parameters.words)
        return hash.finish()
    }
}
