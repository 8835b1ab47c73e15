extension CBORReader {
    /// An open array or map while skipping. A map's items are counted singly: key, value, key, value.
    private struct Level {
        var left: UInt64 = 0
        var isMap = false
        var lastKey: UInt64?
    }

    /// Reads past one item of any kind, with all that it contains, by the same rules as everything else: shortest
    /// numbers, definite lengths, valid text, at most `CBORDepth.max` levels, maps keyed by rising unsigned integers.
    ///
    /// Work is bounded by the input: each turn of the loop reads one byte at least.
    public mutating func skip() throws(CBORError) {
        var levels = InlineArray<8, Level>(repeating: Level())
        var depth = 0
        repeat {
            let head = try head()
            if depth > 0 {
                let top = depth - 1
                if levels[top].isMap, levels[top].left % 2 == 0 {
                    guard head.major == 0 else { throw .wrongType }
                    if let last = levels[top].lastKey {
                        guard head.value != last else { throw .duplicateKey }
                        guard head.value > last else { throw .unsortedKeys }
                    }
                    levels[top].lastKey = head.value
                }
                levels[top].left -= 1
            }
            switch head.major {
            case 2, 3: try skipString(head)
            case 4, 5:
                let itemsPerEntry: UInt64 = head.major == 5 ? 2 : 1
                guard head.value <= UInt64(remaining) / itemsPerEntry else { throw .truncated }
                guard depth < CBORDepth.max else { throw .tooDeep }
                levels[depth] = Level(left: head.value * itemsPerEntry, isMap: head.major == 5)
                depth += 1
            default: break
            }
            while depth > 0, levels[depth - 1].left == 0 { depth -= 1 }
        } while depth > 0
    }

    private mutating func skipString(_ head: Head) throws(CBORError) {
        guard head.value <= UInt64(remaining) else { throw .truncated }
        let start = offset
        advance(Int(head.value))
        guard head.major == 2 || UTF8Check.isValid(input.extracting(start..<offset)) else { throw .invalidUTF8 }
    }
}
