import Control
import Silicon
import Synchronization
import Text

/// A partition's control page: all that its cores and the housekeeping core have in common. It holds no guest memory
/// and no secrets. Written by the partition's cores, but for `asked`, `consoleIn` and the housekeeping core's part of `hold`.
struct ControlPage: ~Copyable {
    static let maxVCPUs = 16
    /// A `ControlOperation` that a manager has asked for and the boot vCPU's core has not taken; `nothing` when there is none.
    private let asked = Atomic<UInt32>(nothing)
    private static let nothing = UInt32.max
    /// A `PartitionState` and, in the second byte, a `StateCause`; by the boot vCPU's core.
    private let stateAndCause: Atomic<UInt32>
    let starts = Atomic<UInt64>(0)
    /// How often a loader was started, whatever came of it; a start is one that came to the image.
    let loads = Atomic<UInt64>(0)
    /// TSC at the first instruction of the first and of the latest start; 0 before.
    let firstEntry = Atomic<UInt64>(0)
    let latestEntry = Atomic<UInt64>(0)
    /// TSC at which the manifest's policy starts the guest again; 0 while none waits for that.
    let startDue = Atomic<UInt64>(0)
    let consoleOut: ByteRing
    let consoleIn: ByteRing
    /// Lines of the hypervisor itself about this partition.
    let log: ByteRing
    /// Exits by vCPU and reason; each row has one writer, its core.
    private var exits: [16 of ExitCounters] = .init(repeating: ExitCounters())
    /// The latest events, by their number, and the TSC at each.
    private var events: [16 of ControlEvent] = .init(repeating: ControlEvent())
    private var eventTSCs: [16 of UInt64] = .init(repeating: 0)
    private let eventCount = Atomic<UInt64>(0)
    /// Keeps the partition's cores from writing `events` and `log` at the same time.
    private let isBeingWritten = Atomic<Bool>(false)
    private let housekeeper: UInt32
    /// What each vCPU's core has read back (`ProtectionReport.word`); 0: it is to do so.
    let protection: [16 of Atomic<UInt32>] = .init { _ in Atomic(0) }
    /// Whether the boot vCPU's core, which carries requests out, has started; set before any core runs.
    var hasBootCore = true
    let hold = FunctionHold()

    /// A partition that starts with the machine is `starting` from the first moment on: a manager that asks for what is
    /// about to happen anyway is told so.
    init(rings: UInt64, housekeeper apicID: UInt32, autostart: Bool) {
        let state = autostart ? PartitionState.starting : .stopped
        stateAndCause = Atomic(UInt32(state.rawValue) | UInt32(StateCause.manifest.rawValue) << 8)
        consoleOut = ByteRing(base: rings, capacity: Self.outSize)
        consoleIn = ByteRing(base: rings + Self.outSize, capacity: 1024)
        log = ByteRing(base: rings + Self.outSize + 1024, capacity: 2048)
        housekeeper = apicID
    }

    private static let outSize: UInt64 = 16384
    /// Bytes behind `rings`.
    static let ringBytes = outSize + 4096

    var state: PartitionState {
        PartitionState(rawValue: UInt8(truncatingIfNeeded: stateAndCause.load(ordering: .acquiring))) ?? .crashed
    }
    var cause: StateCause {
        StateCause(rawValue: UInt8(truncatingIfNeeded: stateAndCause.load(ordering: .acquiring) >> 8)) ?? .manifest
    }

    func exits(of vcpu: Int) -> ExitCounters { exits[vcpu] }

    /// The row of one vCPU, for its core to write.
    mutating func counters(of vcpu: Int) -> Pointer<ExitCounters> {
        // The controlPage stays where it is for ever.
        unsafe withUnsafeMutablePointer(to: &exits[vcpu]) { Pointer(at: UInt64(UInt(bitPattern: $0))) }
    }

    /// For managers: asks for an operation; false while another waits.
    func ask(_ operation: ControlOperation) -> Bool {
        asked.compareExchange(
            expected: Self.nothing, desired: UInt32(operation.rawValue), ordering: .sequentiallyConsistent
        ).exchanged
    }

    /// What was asked for and not taken yet.
    var request: ControlOperation? {
        ControlOperation(rawValue: UInt8(truncatingIfNeeded: asked.load(ordering: .sequentiallyConsistent)))
    }

    /// Takes what was asked for: from here on managers may ask again.
    @discardableResult
    func takeRequest() -> ControlOperation? {
        let taken = asked.exchange(Self.nothing, ordering: .sequentiallyConsistent)
        return ControlOperation(rawValue: UInt8(truncatingIfNeeded: taken))
    }

    /// Before and after a reset that takes others' virtual functions away.
    func beginReset() {
        hold.begin()
        LocalAPIC.kick(housekeeper)
    }
    func endReset() {
        hold.end()
        LocalAPIC.kick(housekeeper)
    }

    /// For the boot vCPU's core, while no vCPU runs and no function is reached for: whether it has to stay so.
    func isHeld() -> Bool {
        guard hold.acknowledge() else { return hold.isHeld }
        LocalAPIC.kick(housekeeper)
        return true
    }

    mutating func enter(_ state: PartitionState, _ cause: StateCause) {
        stateAndCause.store(UInt32(state.rawValue) | UInt32(cause.rawValue) << 8, ordering: .releasing)
        record(ControlEvent())
    }

    /// Notes a fault of a guest or of the hypervisor below it.
    mutating func recordFault(vcpu: Int, code: UInt64, address: UInt64) {
        var event = ControlEvent(.fault)
        event.vcpu = vcpu
        event.code = code
        event.address = address
        record(event)
    }

    /// Notes an event in the partition's present state and tells the housekeeping core.
    private mutating func record(_ event: ControlEvent) {
        begin()
        let count = eventCount.load(ordering: .relaxed)
        events[Int(count & 15)] = event
        events[Int(count & 15)].state = state
        events[Int(count & 15)].cause = cause
        eventTSCs[Int(count & 15)] = cpu_rdtsc()
        eventCount.store(count &+ 1, ordering: .releasing)
        end()
        LocalAPIC.kick(housekeeper)
    }

    /// The event with number `next`, or the oldest kept; moves `next` behind it.
    func nextEvent(_ next: inout UInt64) -> (event: ControlEvent, tsc: UInt64)? {
        let count = eventCount.load(ordering: .acquiring)
        guard next < count else { return nil }
        let number = max(next, count > 12 ? count - 12 : 0)
        var event = events[Int(number & 15)]
        event.lost = number - next
        next = number + 1
        return (event, eventTSCs[Int(number & 15)])
    }

    /// Waits for another core of the partition, but not for ever: one that has faulted meanwhile never comes back.
    private func begin() {
        for _ in 0..<100_000 where !isBeingWritten.exchange(true, ordering: .acquiring) { return }
    }
    private func end() { isBeingWritten.store(false, ordering: .releasing) }

    func print(_ line: borrowing LogLine) {
        begin()
        log.push(line)
        end()
        LocalAPIC.kick(housekeeper)
    }
}
