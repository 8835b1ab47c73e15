import Control
import Manifest
import Resources

/// A machine that checks what reaches it: the server must have authorised it and kept its bounds.
struct CheckingMachine: ControlBackend {
    var states: [PartitionState] = [.running, .stopped, .crashed]
    var events = 0

    func machine() -> MachineInfo { MachineInfo() }
    var partitionCount: Int { 3 }
    func clockMicroseconds() -> UInt64 { .max }
    var inventoryCount: Int { 0 }
    func inventory(_ index: Int) -> InventoryItem { InventoryItem(.machine, []) }

    func info(_ partition: Int) -> PartitionInfo {
        var info = PartitionInfo()
        info.name = partition == 0 ? "a" : partition == 1 ? "b" : "sealed"
        info.permits = partition == 2 ? ControlOperations() : .all
        info.cores = CoreSet(rawValue: partition == 0 ? 1 : 1 << 40 - 1)
        info.state = states[partition]
        return info
    }

    func exits(_ partition: Int, vcpu: Int) -> ExitCounters {
        precondition(partition != 2 && vcpu >= 0 && vcpu < info(partition).cores.count)
        return ExitCounters()
    }

    func readLog(from: UInt64, into buffer: inout MutableSpan<UInt8>) -> ConsoleRange? {
        precondition(buffer.count == 1024)
        return from & 1 == 0 ? (position: from, count: Int(from % 1025), end: .max) : nil
    }
    mutating func readConsole(_ partition: Int, from: UInt64, into buffer: inout MutableSpan<UInt8>) -> ConsoleRange {
        precondition(partition != 2 && buffer.count == 1024)
        for i in 0..<buffer.count { buffer[i] = UInt8(truncatingIfNeeded: i) }
        return (position: from, count: Int(from % 1025), end: .max)
    }

    mutating func writeConsole(_ partition: Int, _ bytes: borrowing Span<UInt8>) -> Int {
        precondition(partition != 2 && bytes.count <= ControlRequest.maxData)
        return bytes.count / 2
    }

    mutating func request(_ operation: ControlOperation, _ partition: Int) -> ControlStatus {
        precondition(partition != 2 && operation.description.status(in: states[partition]) == .ok)
        states[partition] = operation == .stop ? .stopped : operation == .pause ? .paused : .running
        events += 1
        return .ok
    }

    mutating func channelCount(_ partition: Int) -> Int { partition }
    mutating func channel(_ partition: Int, _ index: Int) -> ChannelCounters { ChannelCounters() }
    mutating func traffic(_ partition: Int) -> TrafficCounters {
        precondition(partition != 2)
        return TrafficCounters()
    }

    mutating func takeProtection(_ partition: Int, vcpu: Int) -> UInt64 {
        precondition(partition != 2 && vcpu >= 0 && vcpu < info(partition).cores.count)
        return UInt64(truncatingIfNeeded: events)
    }

    mutating func beginSelfCheck(_ partition: Int) -> UInt64 {
        precondition(partition != 2)
        return .max
    }

    mutating func nextEvent() -> ControlEvent? {
        guard events > 0 else { return nil }
        events -= 1
        var event = ControlEvent(.state)
        (event.partition, event.state, event.cause) = ("a", states[0], .manager)
        return event
    }
}

/// Input whose first byte is even is the raw line. Otherwise it is a list of payloads, each after a length byte, which are
/// framed with a right checksum, since no fuzzer guesses one.
@c(LLVMFuzzerTestOneInput)
public func fuzz(_ data: UnsafePointer<UInt8>?, _ size: Int) -> CInt {
    // libFuzzer gives `size` readable bytes.
    let input = unsafe Array(UnsafeBufferPointer(start: data, count: size))
    guard let mode = input.first else { return 0 }
    let server = FuzzedServer()
    if mode % 2 == 0 {
        server.feed(input.dropFirst())
        return 0
    }
    var rest = input.dropFirst()
    while let length = rest.popFirst() {
        let payload = Array(rest.prefix(Int(length)))
        rest = rest.dropFirst(Int(length))
        var sender = FrameSender<256>()
        sender.load(FrameHeader(kind: .request, sequence: UInt32(rest.count))) { output in
            var output = output
            for i in 0..<payload.count { output[i] = payload[i] }
            return payload.count
        }
        var frame: [UInt8] = []
        while let byte = sender.nextByte() { frame.append(byte) }
        server.feed(frame[...])
    }
    return 0
}

/// A server whose every reply must be readable.
final class FuzzedServer {
    private var server = ControlServer()
    private var machine = CheckingMachine()
    private var back = FrameReceiver()

    func feed(_ bytes: ArraySlice<UInt8>) {
        for byte in bytes {
            server.receive(byte)
            while server.serve(&machine) {
                while let byte = server.nextByte() {
                    guard let arrival = back.receive(byte) else { continue }
                    guard case .frame = arrival else { fatalError("the server sent a frame that is none") }
                }
            }
            precondition(server.canReceive && server.nextByte() == nil)
        }
        precondition(back.damaged == 0)
    }
}
