import CBOR
import Manifest
import Text

/// Carries one request out: finds the partition, checks the manifest's permission and the partition's state, and only
/// then turns to the backend.
enum ControlAnswer {
    static func write<B: ControlBackend & ~Copyable>(
        _ request: ControlRequest, _ data: borrowing Span<UInt8>, _ scratch: inout MutableSpan<UInt8>,
        _ damaged: UInt32, _ backend: inout B, into output: consuming MutableSpan<UInt8>
    ) throws(CBORError) -> Int {
        switch request.operation {
        case .events: return ControlReply.write(.ok, into: output)
        case .hello:
            var machine = backend.machine()
            machine.partitions = backend.partitionCount
            machine.damagedFrames = UInt64(damaged)
            var writer = CBORWriter(output)
            machine.write(&writer)
            return try writer.finish()
        case .list:
            var writer = CBORWriter(output)
            list(&writer, &backend)
            return try writer.finish()
        case .inventory:
            var writer = CBORWriter(output)
            inventory(&writer, &backend, from: Int(clamping: request.position))
            return try writer.finish()
        default: break
        }
        guard let partition = find(request.partition, &backend) else {
            return ControlReply.write(.unknownPartition, into: output)
        }
        guard backend.permits(partition).contains(request.operation.permission) else {
            return ControlReply.write(.notPermitted, into: output)
        }
        var writer: CBORWriter
        switch request.operation {
        case .statistics:
            let vcpus = backend.vcpuCount(partition)
            guard request.vcpu < vcpus else { return ControlReply.write(.malformed, into: output) }
            writer = CBORWriter(output)
            statistics(&writer, &backend, partition, vcpus, from: request.vcpu)
        case .consoleRead:
            let range = backend.readConsole(partition, from: request.position, into: &scratch)
            writer = CBORWriter(output)
            ConsoleChunk.write(&writer, range, scratch.span.extracting(first: min(max(range.count, 0), scratch.count)))
        case .consoleWrite:
            let accepted = backend.writeConsole(partition, data)
            writer = CBORWriter(output)
            ConsoleAccepted.write(&writer, min(max(accepted, 0), data.count))
        default:
            var status = backend.state(partition).answer(to: request.operation)
            if status == .ok { status = backend.request(request.operation, partition) }
            return ControlReply.write(status, into: output)
        }
        return try writer.finish()
    }

    private static func find<B: ControlBackend & ~Copyable>(_ name: Label, _ backend: inout B) -> Int? {
        for i in 0..<min(backend.partitionCount, Manifest.maxPartitions) where backend.name(i) == name { return i }
        return nil
    }

    private static func list<B: ControlBackend & ~Copyable>(_ writer: inout CBORWriter, _ backend: inout B) {
        let count = min(backend.partitionCount, Manifest.maxPartitions)
        writer.map(2)
        writer.field(0, UInt64(ControlStatus.ok.rawValue))
        writer.key(1)
        writer.array(count)
        for i in 0..<count { backend.info(i).write(&writer) }
    }

    private static func inventory<B: ControlBackend & ~Copyable>(
        _ writer: inout CBORWriter, _ backend: inout B, from first: Int
    ) {
        let total = max(backend.inventoryCount, 0), first = min(first, total)
        let count = min(total - first, InventoryPart.capacity)
        InventoryPart.writeHead(&writer, total: total, first: first, count: count)
        for index in first..<(first + count) { backend.inventory(index).write(&writer) }
    }

    private static func statistics<B: ControlBackend & ~Copyable>(
        _ writer: inout CBORWriter, _ backend: inout B, _ partition: Int, _ vcpus: Int, from first: Int
    ) {
        let count = min(vcpus - first, Statistics.maxVCPUs)
        Statistics.writeHead(&writer, clock: backend.clockMicroseconds(), vcpus: vcpus, first: first, count: count)
        for vcpu in first..<(first + count) { Statistics.write(&writer, backend.exits(partition, vcpu: vcpu)) }
    }
}
