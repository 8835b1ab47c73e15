import Foundation
import Trust

/// A key as it lies in a folder.
extension LMSPrivateKey {
    /// Identifier and seed; the rest is public.
    var secret: [UInt8] { (0..<4).flatMap { Self.bytes(lms.identifier[$0]) } + seed }

    var encodedTree: Data {
        Data(nodes.flatMap { SHA256.bytes($0, count: lms.parameters.words) })
    }

    init?(publicKey key: [UInt8], secret: [UInt8], tree: Data) {
        let words = stride(from: 0, to: key.count - 3, by: 4).map { at in
            key[at..<at + 4].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        }
        guard key.count > 28, words[0] == 1, let parameters = LMSParameters(tree: words[1], oneTime: words[2]),
            secret.count == 16 + parameters.words * 4, Array(secret[..<16]) == Array(key[12..<28]),
            tree.count == (2 << parameters.height) * parameters.words * 4
        else { return nil }
        let bytes = [UInt8](tree)
        let nodes = (0..<2 << parameters.height).map { node in
            var value = InlineArray<8, UInt32>(repeating: 0)
            for i in 0..<parameters.words {
                let at = (node * parameters.words + i) * 4
                value[i] = bytes[at..<at + 4].reduce(0) { $0 << 8 | UInt32($1) }
            }
            return value
        }
        let identifier: InlineArray<4, UInt32> = [words[3], words[4], words[5], words[6]]
        guard
            let made = try? LMSPrivateKey(
                tree: words[1], oneTime: words[2], identifier: identifier, seed: Array(secret[16...]), nodes: nodes),
            made.publicKey == key
        else { return nil }
        self = made
    }
}
