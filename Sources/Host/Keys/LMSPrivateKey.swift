import Foundation
import Trust

/// The secret part of an LMS key, and its tree, of which every node is public: it is kept so that a signature takes no time.
public struct LMSPrivateKey: Sendable {
    public let lms: LMS
    let tree: UInt32
    let oneTime: UInt32
    /// Of which every leaf's chains are made (RFC 8554, appendix A).
    let seed: [UInt8]
    /// Node n at n, from 1, the root, on.
    let nodes: [InlineArray<8, UInt32>]

    /// SHA-256/192 with digits of 4 bits: what CNSA 2.0 recommends, with the shorter time.
    public static func generate(height: Int) throws(KeyError) -> LMSPrivateKey {
        let types = [5: UInt32(10), 10: 11, 15: 12, 20: 13]
        guard let tree = types[height] else { throw .system("a tree has 5, 10, 15 or 20 levels, not \(height)") }
        let identifier: InlineArray<4, UInt32> = [random(), random(), random(), random()]
        let seed = (0..<24).map { _ in UInt8.random(in: .min ... .max) }
        return try LMSPrivateKey(tree: tree, oneTime: 7, identifier: identifier, seed: seed)
    }

    private static func random() -> UInt32 { UInt32.random(in: .min ... .max) }

    /// Computes all leaves, on all cores.
    init(tree: UInt32, oneTime: UInt32, identifier: InlineArray<4, UInt32>, seed: [UInt8]) throws(KeyError) {
        guard let parameters = LMSParameters(tree: tree, oneTime: oneTime), seed.count == parameters.words * 4 else {
            throw .system("no such parameters of LMS: \(tree), \(oneTime)")
        }
        let lms = LMS(parameters, identifier: identifier), count = 1 << parameters.height
        let leaves = Leaves(count: count)
        DispatchQueue.concurrentPerform(iterations: min(count, 64)) { part in
            for q in stride(from: part, to: count, by: min(count, 64)) {
                leaves.set(q, Self.leaf(lms, UInt32(q), seed))
            }
        }
        var nodes = [InlineArray<8, UInt32>](repeating: InlineArray(repeating: 0), count: count) + leaves.values
        for i in stride(from: count - 1, through: 1, by: -1) {
            nodes[i] = lms.node(UInt32(i), nodes[2 * i], nodes[2 * i + 1])
        }
        (self.lms, self.tree, self.oneTime, self.seed, self.nodes) = (lms, tree, oneTime, seed, nodes)
    }

    /// With nodes that were kept. A wrong one shows in signatures, which are verified before they are given away.
    init(
        tree: UInt32, oneTime: UInt32, identifier: InlineArray<4, UInt32>, seed: [UInt8],
        nodes: [InlineArray<8, UInt32>]
    ) throws(KeyError) {
        guard let parameters = LMSParameters(tree: tree, oneTime: oneTime), seed.count == parameters.words * 4,
            nodes.count == 2 << parameters.height
        else { throw .system("the parts of this key do not belong together") }
        lms = LMS(parameters, identifier: identifier)
        (self.tree, self.oneTime, self.seed, self.nodes) = (tree, oneTime, seed, nodes)
    }

    /// The public key as HSS has it, of one level (RFC 8554, section 6.1).
    public var publicKey: [UInt8] {
        let numbers = [1, tree, oneTime] + (0..<4).map { lms.identifier[$0] }
        return numbers.flatMap(Self.bytes) + SHA256.bytes(nodes[1], count: lms.parameters.words)
    }

    public var leaves: Int { 1 << lms.parameters.height }

    /// Signs with leaf `q`, which nobody has used or will use again: reserve it first.
    func sign(_ q: UInt32, _ message: (inout SHA256) -> Void) -> [UInt8] {
        let words = lms.parameters.words
        let random = (0..<words * 4).map { _ in UInt8.random(in: .min ... .max) }
        var hash = lms.begin(q, LMS.Use.message)
        hash.put(random.span)
        message(&hash)
        let digest = hash.finish()
        var signature = [q, oneTime].flatMap(Self.bytes) + random
        for i in 0..<lms.parameters.chains {
            var value = Self.start(lms, q, i, seed)
            lms.chain(q, i, 0..<lms.digit(i, digest), &value)
            signature += SHA256.bytes(value, count: words)
        }
        signature += Self.bytes(tree)
        var node = leaves + Int(q)
        while node > 1 {
            signature += SHA256.bytes(nodes[node ^ 1], count: words)
            node /= 2
        }
        return signature
    }

    private static func start(_ lms: LMS, _ q: UInt32, _ i: Int, _ seed: [UInt8]) -> InlineArray<8, UInt32> {
        var hash = lms.begin(q, UInt16(i))
        hash.put(0xFF)
        hash.put(seed.span)
        return hash.finish()
    }

    private static func leaf(_ lms: LMS, _ q: UInt32, _ seed: [UInt8]) -> InlineArray<8, UInt32> {
        var ends = lms.begin(q, LMS.Use.chains)
        for i in 0..<lms.parameters.chains {
            var value = start(lms, q, i, seed)
            lms.chain(q, i, 0..<1 << lms.parameters.digit - 1, &value)
            ends.put(value, count: lms.parameters.words)
        }
        return lms.leaf(q, ends.finish())
    }

    static func bytes(_ word: UInt32) -> [UInt8] {
        (0..<4).map { UInt8(truncatingIfNeeded: word >> UInt32(24 - $0 * 8)) }
    }
}

/// What several threads fill in, each its own places.
private final class Leaves: @unchecked Sendable {
    private let lock = NSLock()
    private(set) var values: [InlineArray<8, UInt32>]
    init(count: Int) { values = Array(repeating: InlineArray(repeating: 0), count: count) }
    func set(_ q: Int, _ value: InlineArray<8, UInt32>) { lock.withLock { values[q] = value } }
}
