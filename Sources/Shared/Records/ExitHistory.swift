/// The latest eight exits of a core that are not answered at once, for its crash record. Frequent ones are not kept: every
/// instruction there counts.
public struct ExitHistory: Sendable {
    private var codes: [8 of UInt16] = .init(repeating: .max)
    private var addresses: [8 of UInt64] = .init(repeating: 0)
    private var count: UInt = 0

    public init() {}

    /// Notes an exit by the processor's code for it, and the guest's instruction pointer.
    @inline(__always)
    public mutating func note(_ code: UInt64, at rip: UInt64) {
        codes[Int(count & 7)] = UInt16(truncatingIfNeeded: code)
        addresses[Int(count & 7)] = rip
        count &+= 1
    }

    /// Writes them down, oldest first.
    public func write(to record: inout CrashRecord) {
        for i in 0..<8 {
            let at = Int((count &+ UInt(i)) & 7)
            record[.exitCodes, i / 4] |= UInt64(codes[at]) << UInt64(i % 4 * 16)
            record[.exitRIPs, i] = addresses[at]
        }
    }
}
