import Remapping
import Silicon
import Text

/// What the remapping units refused, for the housekeeping core alone.
struct FaultLog: ~Copyable {
    private let vendor: RemappingVendor
    private let units: [32 of RemappingUnitDescription]
    private let unitCount: Int
    private let memory: RemappingMemory
    /// Whether a unit was found changed, which is said once.
    private var isBroken = false
    private var limiter: FaultLimiter
    let owners: [192 of (requester: UInt16, partition: UInt8)]
    let ownerCount: Int
    /// What managers have not been sent yet.
    private var pending: [16 of DeviceFault] = .init(repeating: DeviceFault())
    private var pendingCount = 0
    /// What was not kept: how often units had no room for another record, and this had none.
    private var lost: UInt64 = 0

    init(
        _ vendor: RemappingVendor, _ units: [32 of RemappingUnitDescription], _ unitCount: Int,
        _ memory: RemappingMemory,
        ticksPerSecond: UInt64, owners: [192 of (requester: UInt16, partition: UInt8)], ownerCount: Int
    ) {
        self.vendor = vendor
        self.units = units
        self.unitCount = unitCount
        self.memory = memory
        limiter = FaultLimiter(ticksPerSecond: ticksPerSecond)
        self.owners = owners
        self.ownerCount = ownerCount
    }

    /// Whether a unit is not any more as it was set up. What its functions reach is then unknown.
    mutating func hasBrokenUnit() -> Bool {
        for i in 0..<unitCount where !isBroken {
            do throws(RemappingError) { try vendor.perform(.verify, units[i], memory) } catch {
                guard case .changed(let step) = error else { continue }
                SerialPort.log.print(IOMMU.line("bulkhead: an IOMMU has changed: ", step, units[i].registers))
                isBroken = true
            }
        }
        return isBroken
    }

    /// Reads the next one, nil when there is none, and says on a line of the machine's log what it was.
    @inline(never)
    mutating func readNext(_ line: inout Text<204>) -> DeviceFault? {
        guard let fault = nextFault() else { return nil }
        line.write("bulkhead: the IOMMU refused requester ")
        line.write(hexadecimal: UInt64(fault.requester))
        line.write(fault.isInterrupt ? ": interrupt " : fault.isWrite ? ": write to " : ": read from ")
        line.write(hexadecimal: fault.address)
        line.write(", reason ")
        line.write(decimal: UInt64(fault.reason))
        line.write("\r\n")
        if pendingCount < pending.count {
            pending[pendingCount] = fault
            pendingCount += 1
        } else {
            lost += 1
        }
        return fault
    }

    /// The oldest fault that managers have not been sent, and how many were lost since the last one.
    mutating func nextPending() -> (fault: DeviceFault, lost: UInt64)? {
        guard pendingCount > 0 else { return nil }
        let first = (pending[0], lost)
        pendingCount -= 1
        for i in 0..<pendingCount { pending[i] = pending[i + 1] }
        lost = 0
        return first
    }

    /// The next fault, which is cleared in the unit; nil when there is none, or when this second has had enough of them.
    private mutating func nextFault() -> DeviceFault? {
        switch limiter.decide(now: cpu_rdtsc()) {
        case .hold: return nil
        case .resume: setReporting(true)
        case .read: break
        }
        for i in 0..<unitCount {
            guard let fault = vendor.nextFault(units[i], lost: &lost) else { continue }
            if limiter.record() { setReporting(false) }
            return fault
        }
        return nil
    }

    private func setReporting(_ isOn: Bool) {
        for i in 0..<unitCount { try? vendor.perform(.setReporting(isOn), units[i]) }
    }

    /// The partition that owns the function, nil when nobody does.
    func owner(of requester: UInt16) -> Int? {
        for i in 0..<ownerCount where owners[i].requester == requester { return Int(owners[i].partition) }
        return nil
    }
}
