import Text

/// Refused accesses that managers have not been sent, the oldest first. Each owner has room for four, and so have those whom
/// nobody owns: who is refused all the time hides nobody else's.
public struct PendingFaults: Sendable {
    private var faults = BoundedList<36, (fault: DeviceFault, owner: Int)>(unused: (DeviceFault(), 0))
    /// What was not kept since the last one was taken.
    public var lost: UInt64 = 0

    public init() {}

    /// - Parameter owner: the partition, 0 to 7; nil: nobody.
    public mutating func add(_ fault: DeviceFault, owner: Int?) {
        let owner = owner ?? 8
        var own = 0
        for i in 0..<faults.count where faults[i].owner == owner { own += 1 }
        if own == 4 || !faults.append((fault, owner)) { lost += 1 }
    }

    /// Takes the oldest one, and how many were lost since the last.
    public mutating func takeFirst() -> (fault: DeviceFault, lost: UInt64)? {
        guard faults.count > 0 else { return nil }
        let first = (faults[0].fault, lost)
        faults.remove(at: 0)
        lost = 0
        return first
    }
}
