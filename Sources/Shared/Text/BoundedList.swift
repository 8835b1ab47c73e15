/// A list of at most `capacity` elements, which needs no heap.
public struct BoundedList<let capacity: Int, Element> {
    private var elements: InlineArray<capacity, Element>
    public private(set) var count = 0

    /// - Parameter element: what stands where nothing has been appended yet.
    public init(unused element: Element) { elements = InlineArray(repeating: element) }

    /// - Returns: false when there was no room.
    public mutating func append(_ element: Element) -> Bool {
        guard count < capacity else { return false }
        elements[count] = element
        count += 1
        return true
    }

    public mutating func remove(at index: Int) {
        count -= 1
        for i in index..<count { elements[i] = elements[i + 1] }
    }

    /// - Precondition: `index` < `capacity`; from `count` on stands what was there before, or `unused`.
    public subscript(index: Int) -> Element {
        @inline(__always) _read { yield elements[index] }
        @inline(__always) _modify { yield &elements[index] }
    }

    /// The first element of which `isWanted` is true.
    @inline(__always)
    public func first(where isWanted: (Element) -> Bool) -> Element? {
        firstIndex(where: isWanted).map { elements[$0] }
    }

    @inline(__always)
    public func firstIndex(where isWanted: (Element) -> Bool) -> Int? {
        for i in 0..<count where isWanted(elements[i]) { return i }
        return nil
    }
}

extension BoundedList: Sendable where Element: Sendable {}
