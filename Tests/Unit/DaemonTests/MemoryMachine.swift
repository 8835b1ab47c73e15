import Control
import ControlClient
import Foundation
import Manifest
import Resources
import Synchronization
import Text

func label(_ text: String) -> Label {
    var label = Label()
    for byte in text.utf8 { label.append(byte) }
    return label
}

/// A machine in memory: partitions, one console for all of them, and what has been asked of them.
struct MemoryMachine: ControlBackend {
    var partitions: [PartitionInfo]
    /// What the guests have written.
    var console: [UInt8] = []
    /// What has been typed.
    var typed: [UInt8] = []
    /// Bytes that a guest's UART takes at a time.
    var takes = 1024
    /// What has happened and is not told yet.
    var events: [ControlEvent] = []
    var counters = ExitCounters()
    /// What is asked of a partition happens at once.
    var obeys = false
    var calls: [String] = []

    static func info(_ name: String, cores: UInt64, memory: UInt64, _ state: PartitionState = .stopped) -> PartitionInfo
    {
        var info = PartitionInfo()
        (info.name, info.cores, info.memory, info.state) = (label(name), .init(rawValue: cores), memory, state)
        info.permits = .all
        for byte in "vmlinux".utf8 { _ = info.image.append(byte) }
        return info
    }

    static let two = [info("loop", cores: 2, memory: 512 << 20), info("workload", cores: 12, memory: 1 << 30)]

    static func named(_ name: String) -> MachineInfo {
        var info = MachineInfo()
        (info.name, info.version, info.cores, info.memory) = (label(name), label("0.1.0"), 4, 4 << 30)
        return info
    }

    /// What it says of itself.
    var said = MemoryMachine.named("m")
    func machine() -> MachineInfo { said }
    var partitionCount: Int { partitions.count }
    func info(_ partition: Int) -> PartitionInfo { partitions[partition] }
    func exits(_ partition: Int, vcpu: Int) -> ExitCounters { counters }
    func channelCount(_ partition: Int) -> Int { 0 }
    func channel(_ partition: Int, _ index: Int) -> ChannelCounters { ChannelCounters() }
    func traffic(_ partition: Int) -> TrafficCounters { TrafficCounters() }
    func clockMicroseconds() -> UInt64 { 1 }
    func takeProtection(_ partition: Int, vcpu: Int) -> UInt64 { 0 }
    func beginSelfCheck(_ partition: Int) -> UInt64 { 0 }
    var inventoryCount: Int { 0 }
    func inventory(_ index: Int) -> InventoryItem { InventoryItem(.core, [0, 0, 0, 0]) }
    mutating func nextEvent() -> ControlEvent? { events.isEmpty ? nil : events.removeFirst() }

    func readLog(from: UInt64, into buffer: inout MutableSpan<UInt8>) -> ConsoleRange? { nil }
    mutating func readConsole(_ partition: Int, from: UInt64, into buffer: inout MutableSpan<UInt8>) -> ConsoleRange {
        calls.append("read")
        let start = Int(min(from, UInt64(console.count))), count = min(console.count - start, buffer.count)
        for i in 0..<count { buffer[i] = console[start + i] }
        return (position: UInt64(start), count: count, end: UInt64(console.count))
    }

    mutating func writeConsole(_ partition: Int, _ bytes: borrowing Span<UInt8>) -> Int {
        calls.append("write")
        let taken = min(bytes.count, takes)
        for i in 0..<taken { typed.append(bytes[i]) }
        return taken
    }

    mutating func request(_ operation: ControlOperation, _ partition: Int) -> ControlStatus {
        calls.append("\(operation.name) \(partitions[partition].name.string)")
        guard obeys, let transition = operation.description.transition else { return .ok }
        partitions[partition].state = transition.to
        if transition.to == .running { partitions[partition].starts += 1 }
        return .ok
    }
}

/// The machine's end of a link on a thread of its own: the hypervisor's `ControlServer`.
final class ServedMachine: Sendable {
    private let shared: Mutex<(machine: MemoryMachine, isSilent: Bool)>
    private let own: Int32
    private let other: Int32

    /// - Parameter own: where the manager is connected; nil: `client()` is the manager.
    init(_ machine: MemoryMachine, on own: Int32? = nil) {
        var ends: [Int32] = [own ?? -1, -1]
        if own == nil { socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) }
        (self.own, other) = (ends[0], ends[1])
        shared = Mutex((machine, false))
        Thread { [self] in run() }.start()
    }

    /// The manager's end; when it goes, the thread ends.
    func client() -> ControlClient { ControlClient(ByteStream(descriptor: other, path: "memory")) }

    func with<R: Sendable>(_ body: (inout MemoryMachine) -> R) -> R { shared.withLock { body(&$0.machine) } }

    /// From now on nothing is answered.
    func fallSilent() { shared.withLock { $0.isSilent = true } }

    /// Ends the connection.
    func hangUp() { shutdown(own, Int32(SHUT_RDWR)) }

    private func run() {
        defer { close(own) }
        var server = ControlServer()
        var buffer = [UInt8](repeating: 0, count: 512)
        while true {
            let got = read(own, &buffer, buffer.count)
            guard got > 0 else { return }
            var input = buffer[..<got]
            let output = shared.withLock { shared in
                var output: [UInt8] = []
                guard !shared.isSilent else { return output }
                repeat {
                    while server.canReceive, let byte = input.popFirst() { server.receive(byte) }
                    while server.serve(&shared.machine) {
                        while let byte = server.nextByte() { output.append(byte) }
                    }
                } while !input.isEmpty
                return output
            }
            var rest = output[...]
            while !rest.isEmpty {
                let sent = rest.withUnsafeBytes { send(own, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
                guard sent > 0 else { return }
                rest = rest.dropFirst(sent)
            }
        }
    }
}
