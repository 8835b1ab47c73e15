import Control
import Manifest
import Silicon
import Synchronization
import Text

/// What a manager has asked of a partition; taken by its lead core.
enum Request {
    static let none: UInt32 = 0
    static let start: UInt32 = 1
    static let stop: UInt32 = 2
    static let pause: UInt32 = 3
    static let resume: UInt32 = 4
    static let restart: UInt32 = 5
}

/// A change of a partition's state, as the housekeeping core reads it.
struct Change {
    var tsc: UInt64 = 0
    var state = PartitionState.stopped
    var cause = StateCause.manifest
    /// Faults: what happened where. `isFault` says whether this is one.
    var isFault = false
    var vcpu = 0
    var code: UInt64 = 0
    var address: UInt64 = 0
}

/// A partition's notice controlPage: all that its cores and the housekeeping core have in common. It holds no guest memory
/// and no secrets. Written by the partition's cores, but for `request` and `consoleIn`.
struct ControlPage: ~Copyable {
    static let maxVCPUs = 16
    let request = Atomic<UInt32>(Request.none)
    /// A `PartitionState` and, in the second byte, a `StateCause`; by the lead core.
    private let stateAndCause: Atomic<UInt32>
    let starts = Atomic<UInt64>(0)
    /// TSC at the first instruction of the first and of the latest start; 0 before.
    let firstEntry = Atomic<UInt64>(0)
    let latestEntry = Atomic<UInt64>(0)
    let consoleOut: ByteRing
    let consoleIn: ByteRing
    /// Lines of the hypervisor itself about this partition.
    let log: ByteRing
    /// Exits by vCPU and reason; each row has one writer, its core.
    private var exits: [16 of ExitCounters] = .init(repeating: ExitCounters())
    /// The latest changes, by their number; the lead core writes.
    private var changes: [16 of Change] = .init(repeating: Change())
    private let changeCount = Atomic<UInt64>(0)
    /// Keeps the partition's cores from writing `changes` and `log` at the same time.
    private let isBeingWritten = Atomic<Bool>(false)
    private let housekeeper: UInt32

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

    mutating func enter(_ state: PartitionState, _ cause: StateCause) {
        stateAndCause.store(UInt32(state.rawValue) | UInt32(cause.rawValue) << 8, ordering: .releasing)
        var change = Change()
        change.state = state
        change.cause = cause
        record(change)
    }

    /// Notes a change or a fault and tells the housekeeping core.
    mutating func record(_ change: Change) {
        begin()
        let count = changeCount.load(ordering: .relaxed)
        changes[Int(count & 15)] = change
        changes[Int(count & 15)].tsc = cpu_rdtsc()
        changeCount.store(count &+ 1, ordering: .releasing)
        end()
        LocalAPIC.kick(housekeeper)
    }

    /// The change with number `next`, or the oldest kept; moves `next` behind it and counts what was lost.
    func nextChange(_ next: inout UInt64, lost: inout UInt64) -> Change? {
        let count = changeCount.load(ordering: .acquiring)
        guard next < count else { return nil }
        if count - next > 12 {
            lost = count - 12 - next
            next = count - 12
        }
        next += 1
        return changes[Int((next - 1) & 15)]
    }

    /// Waits for another core of the partition, but not for ever: one that has faulted meanwhile never comes back.
    private func begin() {
        for _ in 0..<100_000 where !isBeingWritten.exchange(true, ordering: .acquiring) { return }
    }
    private func end() { isBeingWritten.store(false, ordering: .releasing) }

    func post(_ line: borrowing LogLine) {
        begin()
        for i in 0..<line.text.count { log.push(line.text.bytes[i]) }
        log.push(0x0A)
        end()
        LocalAPIC.kick(housekeeper)
    }
}
