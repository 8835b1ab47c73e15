import Manifest
import Silicon
import X86

/// What the remapping units refused, for the housekeeping core alone.
struct FaultLog {
    private var units: [8 of MachineUnit?] = .init(repeating: nil)
    private var unitCount = 0
    private var limiter: FaultLimiter
    private let owners: [64 of (requester: UInt16, partition: UInt8)]
    private let ownerCount: Int
    /// How often units had no room for another record.
    private(set) var lost: UInt64 = 0

    init(ticksPerSecond: UInt64, owners: [64 of (requester: UInt16, partition: UInt8)], ownerCount: Int) {
        limiter = FaultLimiter(ticksPerSecond: ticksPerSecond)
        self.owners = owners
        self.ownerCount = ownerCount
    }

    mutating func add(_ unit: MachineUnit) {
        guard unitCount < 8 else { return }
        units[unitCount] = unit
        unitCount += 1
    }

    /// The next fault, which the hardware then forgets; nil when there is none, or when this second has had enough of them.
    mutating func next() -> DeviceFault? {
        switch limiter.look(now: cpu_rdtsc()) {
        case .hold: return nil
        case .resume: setReporting(true)
        case .read: break
        }
        for i in 0..<unitCount {
            guard let fault = units[i]?.nextFault(lost: &lost) else { continue }
            if limiter.record() { setReporting(false) }
            return fault
        }
        return nil
    }

    private func setReporting(_ isOn: Bool) {
        for i in 0..<unitCount { units[i]?.setReporting(isOn) }
    }

    /// The partition that owns the function, nil when nobody does.
    func owner(of requester: UInt16) -> Int? {
        for i in 0..<ownerCount where owners[i].requester == requester { return Int(owners[i].partition) }
        return nil
    }
}
