import Control
import Synchronization

/// What a manager has asked of a partition; read by its lead core.
enum Request {
    static let none: UInt32 = 0
    static let start: UInt32 = 1
    static let stop: UInt32 = 2
    static let pause: UInt32 = 3
    static let resume: UInt32 = 4
    static let restart: UInt32 = 5
}

/// A partition's notice board: all that its cores and the housekeeping core have in common. It holds no guest memory
/// and no secrets. Written by the partition's cores but for `request` and `consoleIn`.
struct Board: ~Copyable {
    static let maxVCPUs = 16
    let request = Atomic<UInt32>(Request.none)
    /// A `Control.PartitionState`, by the lead core.
    let state = Atomic<UInt32>(0)
    /// Why the guest last stopped, a `StopCause`.
    let cause = Atomic<UInt32>(0)
    /// Detail of the cause: an address, a vector, an instruction pointer.
    let causeDetail = Atomic<UInt64>(0)
    /// How often the guest was started.
    let starts = Atomic<UInt32>(0)
    /// TSC of the first instruction of the very first and of the latest start.
    let firstEntry = Atomic<UInt64>(0)
    let latestEntry = Atomic<UInt64>(0)
    /// Steps whenever `state` changes.
    let changes = Atomic<UInt32>(0)
    let consoleOut: ByteRing
    let consoleIn: ByteRing
    /// Lines of the hypervisor itself about this partition.
    let log: ByteRing
    /// Exits by vCPU and reason; each row has one writer, its core.
    var exits: [16 of [14 of UInt64]] = .init(repeating: .init(repeating: 0))

    init(consoleOut: consuming ByteRing, consoleIn: consuming ByteRing, log: consuming ByteRing) {
        self.consoleOut = consoleOut
        self.consoleIn = consoleIn
        self.log = log
    }

    func post(_ line: Line) {
        for i in 0..<line.text.count { log.push(line.text.bytes[i]) }
        log.push(0x0A)
    }
}
