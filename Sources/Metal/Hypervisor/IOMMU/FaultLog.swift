import Control
import Remapping
import Silicon
import Text

/// What the remapping units refused, for the housekeeping core alone.
struct FaultLog: ~Copyable {
    private let vendor: RemappingVendor
    private let units: BoundedList<32, RemappingUnitDescription>
    private let memory: RemappingMemory
    /// Whether a unit was found changed; and what of which one, until that has been said.
    private var isBroken = false
    private var change: (step: RemappingError.Step, unit: UInt64)?
    /// Looks at the units: some hundred reads of registers in the worst case, on each turn of the housekeeping core.
    private var looks = Budget(capacity: 1, perSecond: 1000)
    /// Faults: so that a function that faults all the time does not keep the core busy that reads of it.
    private var budget = Budget(capacity: 16, perSecond: 16)
    /// Whether reporting is off because the budget is spent.
    private var isHeld = false
    /// What the units send; nil: what is in their registers is the firmware's, and stays masked.
    var message: InterruptMessage?
    typealias Owners = BoundedList<192, (requester: UInt16, partition: UInt8)>
    let owners: Owners
    /// What managers have not been sent yet; units count what they had no room for as lost.
    var pending = PendingFaults()
    /// The unit that was looked at last: each has its turn.
    private var turn = 0

    init(
        _ vendor: RemappingVendor, _ units: BoundedList<32, RemappingUnitDescription>, _ memory: RemappingMemory,
        ticksPerSecond: UInt64, owners: Owners
    ) {
        (self.vendor, self.units, self.memory) = (vendor, units, memory)
        self.owners = owners
        budget.ticksPerSecond = ticksPerSecond
        looks.ticksPerSecond = ticksPerSecond
    }

    /// Whether a unit is not any more as it was set up, looked at once a millisecond at most. What its functions reach is then
    /// unknown.
    mutating func hasBrokenUnit() -> Bool {
        guard !isBroken, looks.isLeft(now: cpu_rdtsc()) else { return isBroken }
        looks.spend(1)
        for i in 0..<units.count where !isBroken {
            do throws(RemappingError) { try vendor.perform(.verify, units[i], memory) } catch {
                guard case .changed(let step) = error else { continue }
                (isBroken, change) = (true, (step, units[i].registers))
            }
        }
        return isBroken
    }

    /// Reads the next one, nil when there is none, and says on a line of the machine's log what it was; before all of them, that
    /// a unit has changed.
    @inline(never)
    mutating func readNext(_ line: inout Text<204>) -> DeviceFault? {
        if let change {
            line.writePrintable(IOMMU.line("bulkhead: an IOMMU has changed: ", change.step, change.unit).text)
            line.write("\r\n")
            self.change = nil
            return nil
        }
        guard let fault = nextFault() else { return nil }
        line.write("bulkhead: the IOMMU refused requester %x", UInt64(fault.requester))
        line.write(fault.isInterrupt ? ": interrupt" : fault.isWrite ? ": write to" : ": read from")
        line.write(" %x, reason %d\r\n", fault.address, UInt64(fault.reason))
        pending.add(fault, owner: owner(of: fault.requester))
        return fault
    }

    /// The next fault, which is cleared in the unit; nil when there is none, or when the budget is spent.
    private mutating func nextFault() -> DeviceFault? {
        guard budget.isLeft(now: cpu_rdtsc()) else { return nil }
        if isHeld, message != nil { report(to: message) }
        isHeld = false
        for _ in 0..<units.count {
            turn = turn + 1 < units.count ? turn + 1 : 0
            guard let fault = vendor.nextFault(units[turn], lost: &pending.lost) else { continue }
            budget.spend(1)
            isHeld = !budget.isLeft(now: cpu_rdtsc())
            if isHeld { report(to: nil) }
            return fault
        }
        return nil
    }

    private func report(to message: InterruptMessage?) {
        for i in 0..<units.count { try? vendor.perform(.report(to: message), units[i]) }
    }

    /// The partition that owns the function, nil when nobody does.
    func owner(of requester: UInt16) -> Int? { owners.first { $0.requester == requester }.map { Int($0.partition) } }
}
