/// `0-2,5` as Linux writes sets of processors, in rising order; what is no number is left out. Linux has 8,192 at the most
/// (`NR_CPUS`).
func processorSet(_ text: String) -> [Int] {
    var set: Set<Int> = []
    for part in text.split(separator: ",").prefix(8192) {
        let ends = part.split(separator: "-").compactMap { Int($0) }
        guard let first = ends.first, let last = ends.last, 0 <= first, first <= last, last < 8192 else { continue }
        set.formUnion(first...last)
        // All there are.
        if set.count == 8192 { break }
    }
    return set.sorted()
}
