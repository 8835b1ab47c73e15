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

    public subscript(index: Int) -> Element {
        get { elements[index] }
        set { elements[index] = newValue }
    }

    /// The first element of which `isWanted` is true.
    public func first(where isWanted: (Element) -> Bool) -> Element? {
        for i in 0..<count where isWanted(elements[i]) { return elements[i] }
        return nil
    }
}

extension BoundedList: Sendable where Element: Sendable {}
