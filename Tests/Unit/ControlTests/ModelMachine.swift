import Control
import Manifest
import Resources
import Text

func label(_ text: String) -> Label {
    var label = Label()
    for byte in text.utf8 { label.append(byte) }
    return label
}

func string<let n: Int>(_ text: Text<n>) -> String { text.string }

/// A machine that exists in memory only: the same state changes, console rings and events as the real one has.
struct ModelMachine: ControlBackend {
    struct Partition {
        var info = PartitionInfo()
        var console: [UInt8] = []
        var input: [UInt8] = []
        var exits: [ExitCounters] = []
    }

    /// Bytes of console that are kept.
    static let ring = 4096
    /// Bytes that the model guest's UART takes at a time.
    static let inputLimit = 1500

    var partitions: [Partition] = []
    var events: [ControlEvent] = []
    var lostEvents: UInt64 = 0
    /// What reached the machine: nothing that was refused may show here.
    var calls: [String] = []
    var clock: UInt64 = 1_000_000

    init() {
        add("control-loop", cores: 0b0010, vcpus: 1, permits: .all)
        add("workload", cores: 0b1100, vcpus: 2, permits: .all)
        add("sealed", cores: 0b10000, vcpus: 1, permits: ControlOperations())
    }

    mutating func add(_ name: String, cores: UInt64, vcpus: Int, permits: ControlOperations) {
        var partition = Partition()
        partition.info.name = label(name)
        partition.info.cores = CoreSet(rawValue: cores)
        partition.info.memory = 256 << 20
        partition.info.permits = permits
        partition.info.state = .running
        partition.info.starts = 1
        partition.exits = Array(repeating: ExitCounters(), count: vcpus)
        for vcpu in 0..<vcpus { partition.exits[vcpu][.cpuid] = UInt64(100 + vcpu) }
        partitions.append(partition)
    }

    mutating func guestWrites(_ partition: Int, _ text: String) { partitions[partition].console += Array(text.utf8) }

    func machine() -> MachineInfo {
        var machine = MachineInfo()
        machine.version = label("0.1.0")
        machine.trust = TrustAnchors(rawValue: 3)
        machine.name = label("model")
        machine.cores = 5
        machine.memory = 4 << 30
        machine.imageBytes = 123_456
        machine.hypervisorMemory = 777_216
        machine.startMicroseconds = 41_000
        machine.uptimeMicroseconds = clock
        return machine
    }

    var partitionCount: Int { partitions.count }
    func info(_ partition: Int) -> PartitionInfo { partitions[partition].info }
    func exits(_ partition: Int, vcpu: Int) -> ExitCounters { partitions[partition].exits[vcpu] }
    func clockMicroseconds() -> UInt64 { clock }
    var counted = TrafficCounters()
    /// Of every partition's.
    var channels: [ChannelCounters] = []
    func channelCount(_ partition: Int) -> Int { channels.count }
    func channel(_ partition: Int, _ index: Int) -> ChannelCounters { channels[index] }
    func traffic(_ partition: Int) -> TrafficCounters { counted }

    /// Whether the cores have been asked to read back.
    var isChecked = false
    mutating func takeProtection(_ partition: Int, vcpu: Int) -> UInt64 { isChecked ? UInt64(vcpu) << 16 | 0xFFF : 0 }
    mutating func beginSelfCheck(_ partition: Int) -> UInt64 {
        isChecked = true
        return 0xFF
    }

    var items: [InventoryItem] = []
    var inventoryCount: Int { items.count }
    func inventory(_ index: Int) -> InventoryItem { items[index] }

    var log = Array("bulkhead: one\nbulkhead: two\n".utf8)
    var mayReadLog = true
    func readLog(from: UInt64, into buffer: inout MutableSpan<UInt8>) -> ConsoleRange? {
        let start = Int(min(from, UInt64(log.count))), count = min(log.count - start, buffer.count)
        for i in 0..<count { buffer[i] = log[start + i] }
        return mayReadLog ? (position: UInt64(start), count: count, end: UInt64(log.count)) : nil
    }
    mutating func readConsole(_ partition: Int, from: UInt64, into buffer: inout MutableSpan<UInt8>) -> ConsoleRange {
        calls.append("read \(partition)")
        let console = partitions[partition].console
        let start = max(min(from, UInt64(console.count)), UInt64(max(0, console.count - Self.ring)))
        let count = min(console.count - Int(start), buffer.count)
        for i in 0..<count { buffer[i] = console[Int(start) + i] }
        return (position: start, count: count, end: UInt64(console.count))
    }

    mutating func writeConsole(_ partition: Int, _ bytes: borrowing Span<UInt8>) -> Int {
        calls.append("write \(partition)")
        let taken = min(bytes.count, Self.inputLimit - partitions[partition].input.count)
        for i in 0..<taken { partitions[partition].input.append(bytes[i]) }
        return taken
    }

    mutating func request(_ operation: ControlOperation, _ partition: Int) -> ControlStatus {
        calls.append("\(operation) \(partition)")
        switch operation {
        case .stop: partitions[partition].info.state = .stopped
        case .pause: partitions[partition].info.state = .paused
        case .start, .restart:
            partitions[partition].info.starts += 1
            partitions[partition].info.state = .running
        default: partitions[partition].info.state = .running
        }
        push(partition, .manager)
        return .ok
    }

    mutating func push(_ partition: Int, _ cause: StateCause) {
        guard events.count < 8 else {
            lostEvents += 1
            return
        }
        let info = partitions[partition].info
        var event = ControlEvent(.state)
        (event.partition, event.state, event.cause) = (info.name, info.state, cause)
        event.clockMicroseconds = clock
        event.lost = lostEvents
        lostEvents = 0
        events.append(event)
    }

    mutating func nextEvent() -> ControlEvent? { events.isEmpty ? nil : events.removeFirst() }
}
