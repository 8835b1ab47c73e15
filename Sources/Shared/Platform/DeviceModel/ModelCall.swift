/// What root mode asks of a partition's device model: what a guest's access comes to, or to move what waits at its queues, which
/// it does behind every write too.
public struct ModelCall: BitwiseCopyable, Sendable {
    public enum Place: UInt32, Sendable {
        /// None.
        case queues = 0
        case configuration, ports
        /// Its page of MSI-X.
        case page
    }
    /// A `Place`.
    public let place: UInt32
    public let isWrite: Bool
    /// Of the model's functions, below their count; and bytes from where the place begins.
    public let index: UInt32
    public let offset: UInt32
    /// Bytes: 1, 2, 4 or 8.
    public let size: UInt32
    /// What is written.
    public let value: UInt64

    public static let serve = ModelCall(.queues, 0, 0, size: 0, 0)

    init(_ place: Place, _ index: Int, _ offset: Int, size: Int, _ value: UInt64?) {
        self.place = place.rawValue
        (self.index, self.offset, self.size) = (UInt32(index), UInt32(offset), UInt32(size))
        isWrite = value != nil
        self.value = value ?? 0
    }
}
