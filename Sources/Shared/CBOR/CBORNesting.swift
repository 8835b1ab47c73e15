/// The arrays and maps that are open around an item, and whether the next item may be there. Maps are keyed by rising
/// unsigned integers.
public struct CBORNesting {
    /// How deep containers may nest: arrays and maps alike, the outermost being level 1.
    public static let maxDepth = 8

    /// A map's items are counted singly: key, value, key, value.
    private struct Level {
        var left: UInt64 = 0
        var isMap = false
        var lastKey: UInt64?
    }
    private var levels = InlineArray<8, Level>(repeating: Level())
    package private(set) var depth = 0

    package init() {}

    /// Counts an item.
    package mutating func place(_ major: UInt8, _ value: UInt64) throws(CBORError) {
        guard depth > 0 else { return }
        let top = depth - 1
        if levels[top].isMap, levels[top].left % 2 == 0 {
            guard major == 0 else { throw .wrongType }
            if let last = levels[top].lastKey, value <= last { throw value == last ? .duplicateKey : .unsortedKeys }
            levels[top].lastKey = value
        }
        levels[top].left -= 1
    }

    /// Opens an array (major type 4) or map (5) of `entries` items or pairs, at most 2^32.
    package mutating func open(_ major: UInt8, _ entries: UInt64) throws(CBORError) {
        guard depth < Self.maxDepth else { throw .tooDeep }
        levels[depth] = Level(left: major == 5 ? entries * 2 : entries, isMap: major == 5)
        depth += 1
    }

    /// Closes what is complete.
    package mutating func close() {
        while depth > 0, levels[depth - 1].left == 0 { depth -= 1 }
    }
}

extension Span<UInt8> {
    /// Whether every byte is printable ASCII.
    var isPrintable: Bool {
        for i in 0..<count where !(0x20...0x7E ~= self[i]) { return false }
        return true
    }
}
