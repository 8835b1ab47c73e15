import CBOR

extension CBORReader {
    /// Reads past one item of any kind, with all that it contains, by the same rules as everything else: shortest
    /// numbers, definite lengths, printable text, at most eight levels, maps keyed by rising unsigned
    /// integers.
    ///
    /// Work is bounded by the input: each turn of the loop reads one byte at least.
    public mutating func skip() throws(CBORError) {
        var nesting = CBORNesting()
        repeat {
            let head = try head()
            try nesting.place(head.major, head.value)
            switch head.major {
            case 2, 3: _ = try content(head)
            case 4, 5:
                guard head.value <= UInt64(remaining) / (head.major == 5 ? 2 : 1) else { throw .truncated }
                try nesting.open(head.major, head.value)
            default: break
            }
            nesting.close()
        } while nesting.depth > 0
    }
}

/// The arrays and maps that are open around an item, and whether the next item may be there. Maps are keyed by rising
/// unsigned integers.
private struct CBORNesting {
    /// How deep containers may nest: arrays and maps alike, the outermost being level 1.
    static let maxDepth = 8

    /// A map's items are counted singly: key, value, key, value.
    private struct Level {
        var left: UInt64 = 0
        var isMap = false
        var lastKey: UInt64?
    }
    private var levels = InlineArray<8, Level>(repeating: Level())
    private(set) var depth = 0

    /// Counts an item.
    mutating func place(_ major: UInt8, _ value: UInt64) throws(CBORError) {
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
    mutating func open(_ major: UInt8, _ entries: UInt64) throws(CBORError) {
        guard depth < Self.maxDepth else { throw .tooDeep }
        levels[depth] = Level(left: major == 5 ? entries * 2 : entries, isMap: major == 5)
        depth += 1
    }

    /// Closes what is complete.
    mutating func close() {
        while depth > 0, levels[depth - 1].left == 0 { depth -= 1 }
    }
}
