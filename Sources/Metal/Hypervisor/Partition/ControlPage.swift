import Control
import Platform
import Silicon
import Synchronization
import Text
import X86

/// A partition's control page: all that its cores and the housekeeping core have in common. It holds no guest memory
/// and no secrets. Written by the partition's cores, but for `asked`, `consoleIn`, `controlOut` and the housekeeping core's part of `hold`;
/// by that one, too, where it has given up the boot vCPU's core.
/// Each side takes what the other may have written for a number: no address is here, nor a count or an enumeration that is
/// used unchecked.
struct ControlPage: ~Copyable {
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
    /// TSC before which a partition that is `starting` does not, by the manifest's policy.
    let startDue = Atomic<UInt64>(0)
    /// TSC at which the guest ends unless it kicks its watchdog; 0 while that is stopped. And how often it has done so.
    let watchdog = Atomic<UInt64>(0)
    let kicks = Atomic<UInt64>(0)
    /// Exits by vCPU and reason; each row has one writer, its core.
    private var exits: [16 of ExitCounters] = .init(repeating: ExitCounters())
    /// The latest events, by their number.
    private var events: [16 of StoredEvent] = .init(repeating: StoredEvent())
    private let eventCount = Atomic<UInt64>(0)
    /// Keeps the partition's cores from writing `events` and `log` at the same time.
    private let isBeingWritten = Atomic<Bool>(false)
    /// What each vCPU's core has read back (`ProtectionReport.word`); 0: it is to do so.
    let protection: [16 of Atomic<UInt64>] = .init { _ in Atomic(0) }
    /// Not 0 where the boot vCPU's core, which carries requests out, has not started; set before any core runs.
    var lacksBootCore: UInt32 = 0
    let hold = FunctionHold()
    /// Counts signs of life of the boot vCPU's core; and whether another core has waited for it in vain.
    let life = Atomic<UInt64>(0)
    let isMissed = Atomic<Bool>(false)
    private let owed = Atomic<UInt32>(0)
    /// Of each wire, by the index of its function; with the partition's lock.
    var wires = [8 of WireCounters](repeating: WireCounters())
    /// See `PartitionInfo.watch`.
    let watch = Atomic<UInt64>(0)

    /// A partition that starts with the machine is `starting` from the first moment on: a manager that asks for what is
    /// about to happen anyway is told so.
    init(autostart: Bool) {
        let state = autostart ? PartitionState.starting : .stopped
        stateAndCause = Atomic(UInt32(state.rawValue) | UInt32(StateCause.manifest.rawValue) << 8)
    }

    /// The frames of the page and of the rings right behind it, and their bytes.
    static var frames: Int { FrameArena.count(ControlPage.self) + PartitionRings.frames }
    /// Where they are, in bytes from the page on.
    static var ringsAt: UInt64 { UInt64(FrameArena.count(ControlPage.self)) &* FrameArena.frameSize }
    static var bytes: UInt64 { UInt64(frames) * FrameArena.frameSize }

    var state: PartitionState {
        PartitionState(rawValue: UInt8(truncatingIfNeeded: stateAndCause.load(ordering: .acquiring))) ?? .crashed
    }
    var cause: StateCause {
        StateCause(rawValue: UInt8(truncatingIfNeeded: stateAndCause.load(ordering: .acquiring) >> 8)) ?? .manifest
    }

    /// Whether the watchdog of a guest that runs has had no kick in time.
    var isOverdue: Bool {
        let deadline = watchdog.load(ordering: .relaxed)
        return deadline != 0 && deadline <= cpu_rdtsc() && state == .running
    }

    /// Whether the boot vCPU's core has something to do that it does at once, or gives signs of life meanwhile.
    var isWanted: Bool {
        request != nil || state != .crashed && (isOverdue || hold.isAsked || isMissed.load(ordering: .relaxed))
    }

    /// Notes, and takes, the partitions that a wire has to tell of something and may not yet, a bit for each.
    func owe(_ partition: Int) {
        owed.bitwiseOr(1 << UInt32(partition), ordering: .releasing)
        Self.kickHousekeeper()
    }
    func takeOwed() -> UInt32 { owed.exchange(0, ordering: .acquiring) }

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
        Self.kickHousekeeper(isOwed: true)
    }
    func endReset() {
        hold.end()
        Self.kickHousekeeper(isOwed: true)
    }

    /// For the boot vCPU's core, while no vCPU runs and no function is reached for: whether it has to stay so.
    func isHeld() -> Bool {
        guard hold.acknowledge() else { return hold.isHeld }
        Self.kickHousekeeper(isOwed: true)
        return true
    }

    mutating func enter(_ state: PartitionState, _ cause: StateCause) {
        stateAndCause.store(UInt32(state.rawValue) | UInt32(cause.rawValue) << 8, ordering: .releasing)
        record(ControlEvent())
    }

    /// Notes a fault of a guest or of the hypervisor below it, or a verdict of the watch.
    mutating func recordFault(_ kind: ControlEvent.Kind = .fault, vcpu: Int, code: UInt64, address: UInt64) {
        var event = ControlEvent(kind)
        event.vcpu = vcpu
        event.code = code
        event.address = address
        record(event)
    }

    /// Notes an event in the partition's present state and tells the housekeeping core.
    private mutating func record(_ event: ControlEvent) {
        begin()
        let count = eventCount.load(ordering: .relaxed)
        events[Int(count & 15)] = StoredEvent(event, state, cause, tsc: cpu_rdtsc())
        eventCount.store(count &+ 1, ordering: .releasing)
        end()
        // An end, a fault and a verdict are told at once, whatever came before: they have bounds of their own.
        Self.kickHousekeeper(isOwed: event.kind != .state || state == .crashed)
    }

    /// The event with number `next`, or the oldest kept; moves `next` behind it.
    func nextEvent(_ next: inout UInt64) -> (event: ControlEvent, tsc: UInt64)? {
        let count = eventCount.load(ordering: .acquiring)
        guard next < count else { return nil }
        let number = max(next, count > 12 ? count - 12 : 0)
        let stored = events[Int(number & 15)]
        var event = stored.event
        event.lost = number - next
        next = number + 1
        return (event, stored.tsc)
    }

    /// Waits for another core of the partition, but not for ever: one that has faulted meanwhile never comes back.
    fileprivate func begin() {
        for _ in 0..<5_000 {
            if !isBeingWritten.exchange(true, ordering: .acquiring) { return }
            openWindow()
        }
    }
    fileprivate func end() { isBeingWritten.store(false, ordering: .releasing) }

    /// Before a core has a state of its own, nobody has to be told. Without a kick that is left in the core's budget, what is new waits
    /// for the housekeeping core's next turn; one that must not wait is owed.
    @inline(never)
    static func kickHousekeeper(isOwed: Bool = false) {
        guard let core = CoreState.own, core.value.kicks.isLeft(now: cpu_rdtsc()) || isOwed else { return }
        core.value.kicks.spend(1)
        LocalAPIC.kick(core.value.program.housekeeper)
    }
}

/// The rings: where they lie is known by what a core keeps for itself.
extension Pointer where Value == ControlPage {
    var consoleOut: ByteRing { unsafe PartitionRings.consoleOut(rings) }
    var consoleIn: ByteRing { unsafe PartitionRings.consoleIn(rings) }
    var controlIn: ByteRing { unsafe PartitionRings.controlIn(rings) }
    var controlOut: ByteRing { unsafe PartitionRings.controlOut(rings) }
    /// Lines of the hypervisor itself about this partition.
    var log: ByteRing { unsafe PartitionRings.log(rings) }
    var rings: UInt64 { address &+ ControlPage.ringsAt }

    /// What of the frame that the device model has too is no ring's.
    func clearGap() {
        let start = unsafe UnsafeMutableRawPointer(bitPattern: UInt(rings &+ PartitionRings.sharedEnd))
            .unsafelyUnwrapped
        unsafe start.initializeMemory(as: UInt8.self, repeating: 0, count: Int(4096 - PartitionRings.sharedEnd))
    }

    /// Appends a line and its end at once, so that the reader finds all of it or nothing.
    func print(_ line: borrowing LogLine) {
        value.begin()
        for i in 0..<line.text.count { log.put(line.text.bytes[i], ahead: UInt64(i)) }
        log.put(0x0A, ahead: UInt64(line.text.count))
        log.advance(by: UInt64(line.text.count) + 1)
        value.end()
        ControlPage.kickHousekeeper()
    }
}
