/// How often one vCPU exited since its partition was made, by reason.
public struct ExitCounters: Sendable {
    /// Of as many vCPUs as one reply holds beside all channels, with each counter at its largest.
    public static let pageCapacity = 9

    var counts: InlineArray<15, UInt64>

    public init() { counts = InlineArray(repeating: 0) }

    public subscript(reason: ExitReason) -> UInt64 {
        @inline(__always) get { counts[Int(reason.rawValue)] }
        @inline(__always) set { counts[Int(reason.rawValue)] = newValue }
    }
}
