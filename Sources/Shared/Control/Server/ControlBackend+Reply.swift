import CBOR
import Manifest
import Resources
import Text

/// Carries requests out: finds the partition, checks the manifest's permission and the partition's state, and only then
/// turns to the backend.
extension ControlBackend where Self: ~Copyable {
    /// - Parameters:
    ///   - data: the bytes of a `consoleWrite`.
    ///   - scratch: room for the bytes of one reply: as many as a request's, `ControlRequest.maxData`.
    ///   - damaged: frames that were dropped.
    /// - Returns: the reply's length in bytes.
    mutating func reply(
        to request: ControlRequest, _ data: borrowing Span<UInt8>, _ scratch: inout MutableSpan<UInt8>,
        damaged: UInt32, into output: consuming MutableSpan<UInt8>
    ) throws(CBORError) -> Int {
        var writer = CBORWriter(output)
        do throws(ControlStatus) {
            try carryOut(request, on: try authorize(request), data, &scratch, damaged: damaged, &writer)
        } catch { writer.reply(error, fields: 0) }
        return try writer.finish()
    }

    /// The index of the partition that the request is for, 0 when it is for none; throws why it is refused.
    private mutating func authorize(_ request: ControlRequest) throws(ControlStatus) -> Int {
        let operation = request.operation.description
        guard operation.fields.contains(.partition) else { return 0 }
        for i in 0..<min(partitionCount, Manifest.maxPartitions) {
            let info = info(i)
            guard info.name == request.partition else { continue }
            guard info.permits.contains(operation.permission) else { throw .notPermitted }
            let status = operation.status(in: info.state)
            guard status == .ok else { throw status }
            return i
        }
        throw .unknownPartition
    }

    private mutating func carryOut(
        _ request: ControlRequest, on partition: Int, _ data: borrowing Span<UInt8>,
        _ scratch: inout MutableSpan<UInt8>, damaged: UInt32, _ writer: inout CBORWriter
    ) throws(ControlStatus) {
        switch request.operation {
        case .events: writer.reply(fields: 0)
        case .hello:
            var machine = machine()
            machine.partitions = partitionCount
            machine.damagedFrames = UInt64(damaged)
            writer.reply(fields: MachineInfo.fieldCount)
            machine.fields(&writer)
        case .list:
            let count = min(partitionCount, Manifest.maxPartitions)
            writer.reply(fields: 1)
            writer.list(1, of: count)
            for i in 0..<count { writer.message(info(i)) }
        case .inventory: writeInventory(from: Int(clamping: request.position), &writer)
        case .statistics: try writeStatistics(partition, from: request.vcpu, &writer)
        case .selfCheck:
            let count = info(partition).cores.count
            writer.reply(fields: 2)
            writer.list(1, of: count)
            for vcpu in 0..<count { writer.uint(takeProtection(partition, vcpu: vcpu)) }
            writer.field(2, beginSelfCheck(partition))
        case .consoleRead, .log:
            let from = request.position, isLog = request.operation == .log
            guard
                let range = isLog
                    ? readLog(from: from, into: &scratch) : readConsole(partition, from: from, into: &scratch)
            else { throw .notPermitted }
            writer.reply(fields: 3)
            writer.field(1, range.position)
            writer.key(2)
            writer.bytes(scratch.span.extracting(first: min(max(range.count, 0), scratch.count)))
            writer.field(3, range.end)
        case .consoleWrite:
            let accepted = writeConsole(partition, data)
            writer.reply(fields: 1)
            writer.field(1, UInt64(min(max(accepted, 0), data.count)))
        default:  // what the core of the partition's boot vCPU carries out
            writer.reply(self.request(request.operation, partition), fields: 0)
        }
    }

    private mutating func writeInventory(from first: Int, _ writer: inout CBORWriter) {
        let total = max(inventoryCount, 0), first = min(first, total)
        let count = min(total - first, InventoryItem.pageCapacity)
        writer.reply(fields: 3)
        writer.field(1, UInt64(total))
        writer.field(2, UInt64(first))
        writer.list(3, of: count)
        for index in first..<(first + count) {
            let item = inventory(index)
            writer.array(1 + item.count)
            writer.uint(UInt64(item.kind.rawValue))
            for i in 0..<item.count { writer.uint(item.values[i]) }
        }
    }

    private mutating func writeStatistics(
        _ partition: Int, from first: Int, _ writer: inout CBORWriter
    ) throws(ControlStatus) {
        let vcpus = info(partition).cores.count
        guard first < vcpus else { throw .malformed }
        let count = min(vcpus - first, ExitCounters.pageCapacity), traffic = traffic(partition)
        let channels = min(channelCount(partition), Manifest.maxChannels)
        writer.reply(fields: 4 + (traffic.wrap == 0 ? 0 : 1) + (channels == 0 ? 0 : 1))
        writer.field(1, clockMicroseconds())
        writer.field(2, UInt64(vcpus))
        writer.field(3, UInt64(first))
        writer.list(4, of: count)
        for vcpu in first..<(first + count) {
            let exits = exits(partition, vcpu: vcpu)
            writer.array(ExitReason.count)
            for i in 0..<ExitReason.count { writer.uint(exits.counts[i]) }
        }
        if traffic.wrap != 0 {
            writer.list(5, of: 4)
            writer.uint(traffic.occupancy ?? .max)
            writer.uint(traffic.total ?? .max)
            writer.uint(traffic.local ?? .max)
            writer.uint(traffic.wrap)
        }
        if channels > 0 { writer.list(6, of: channels) }
        for index in 0..<channels { writer.message(channel(partition, index)) }
    }
}
