/// The UART's receive FIFO.
struct ReceiveQueue: Sendable {
    static let capacity = 16
    private var bytes: InlineArray<16, UInt8> = InlineArray(repeating: 0)
    private var first = 0
    private var count = 0

    var isEmpty: Bool { count == 0 }

    /// - Parameter capacity: at most `Self.capacity`.
    mutating func append(_ byte: UInt8, capacity: Int) -> Bool {
        guard count < capacity else { return false }
        bytes[(first + count) % Self.capacity] = byte
        count += 1
        return true
    }

    /// The oldest byte; 0 when there is none.
    mutating func take() -> UInt8 {
        guard count > 0 else { return 0 }
        let byte = bytes[first]
        first = (first + 1) % Self.capacity
        count -= 1
        return byte
    }

    mutating func clear() { count = 0 }
}
