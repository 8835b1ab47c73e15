import Manifest
import Remapping
import Silicon
import Text

/// What the remapping units refused, for the housekeeping core alone.
struct FaultLog: ~Copyable {
    private var units: [8 of MachineUnit?] = .init(repeating: nil)
    private var unitCount = 0
    private var limiter: FaultLimiter
    private let owners: [64 of (requester: UInt16, partition: UInt8)]
    private let ownerCount: Int
    /// What is not told yet.
    private var untold: [16 of DeviceFault] = .init(repeating: DeviceFault())
    private var untoldCount = 0
    /// What was not kept: how often units had no room for another record, and this had none.
    private var lost: UInt64 = 0

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

    /// Reads the next one, nil when there is none, and puts it on the machine's log.
    @inline(never)
    mutating func take() -> DeviceFault? {
        guard let fault = next() else { return nil }
        var line = LogLine("bulkhead: the IOMMU refused requester ")
        line.write(hexadecimal: UInt64(fault.requester))
        line.write(fault.isInterrupt ? ": interrupt " : fault.isWrite ? ": write to " : ": read from ")
        line.write(hexadecimal: fault.address)
        line.write(", reason ")
        line.write(decimal: UInt64(fault.reason))
        SerialPort.log.print(line)
        if untoldCount < untold.count {
            untold[untoldCount] = fault
            untoldCount += 1
        } else {
            lost += 1
        }
        return fault
    }

    /// The oldest fault that is not told yet, and how many were lost since the last one.
    mutating func nextUntold() -> (fault: DeviceFault, lost: UInt64)? {
        guard untoldCount > 0 else { return nil }
        let first = (untold[0], lost)
        untoldCount -= 1
        for i in 0..<untoldCount { untold[i] = untold[i + 1] }
        lost = 0
        return first
    }

    /// The next fault, which the hardware then forgets; nil when there is none, or when this second has had enough of them.
    private mutating func next() -> DeviceFault? {
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
