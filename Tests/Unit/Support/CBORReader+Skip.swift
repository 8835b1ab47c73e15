import CBOR

extension CBORReader {
    /// Reads past one item of any kind, with all that it contains, by the same rules as everything else: shortest
    /// numbers, definite lengths, printable text, at most `CBORNesting.maxDepth` levels, maps keyed by rising unsigned
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
