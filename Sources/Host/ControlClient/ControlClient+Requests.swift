import CBOR
import Control
import Manifest

/// What a manager may ask; each throws `LinkError`.
extension ControlClient {
    /// What machine and hypervisor this is.
    public func hello() throws(LinkError) -> MachineInfo {
        let payload = try exchange(ControlRequest(.hello))
        guard let machine = try? Self.machine(payload) else { throw .unreadable(path: path, operation: .hello) }
        return machine
    }

    /// Asks `hello` until the machine answers, for as long as it may boot; other errors than silence end it.
    public func waitUntilUp(_ limit: Duration) throws(LinkError) -> MachineInfo {
        let deadline = Deadline(clock, after: limit)
        while true {
            do throws(LinkError) {
                return try hello()
            } catch {
                switch error {
                case .noAnswer, .refused(.noAnswer, _, _):
                    if deadline.isOver { throw error }
                default: throw error
                }
            }
        }
    }

    /// All partitions, in the manifest's order.
    public func list() throws(LinkError) -> [PartitionInfo] {
        let payload = try exchange(ControlRequest(.list))
        guard let list = try? Self.list(payload) else { throw .unreadable(path: path, operation: .list) }
        return list
    }

    /// What the machine has. Items of kinds that this version does not know are left out.
    public func inventory() throws(LinkError) -> [InventoryItem] {
        var request = ControlRequest(.inventory)
        var items: [InventoryItem] = []
        while true {
            let payload = try exchange(request)
            guard let part = try? Self.inventory(payload), part.first == Int(request.position) else {
                throw .unreadable(path: path, operation: .inventory)
            }
            items += (0..<part.count).compactMap { part.items[$0] }
            request.position += UInt64(part.count)
            if part.count == 0 || Int(request.position) >= part.total { return items }
        }
    }

    /// Exit counters of all vCPUs of a partition.
    public func statistics(_ partition: String) throws(LinkError) -> PartitionStatistics {
        var request = try self.request(.statistics, partition)
        var result = PartitionStatistics(clockMicroseconds: 0, vcpus: [])
        repeat {
            request.vcpu = result.vcpus.count
            let payload = try exchange(request)
            guard let part = try? Self.statistics(payload), part.first == request.vcpu, part.count > 0 else {
                throw .unreadable(path: path, operation: .statistics)
            }
            result.clockMicroseconds = part.clockMicroseconds
            for i in 0..<part.count { result.vcpus.append(part.exits[i]) }
            if part.next >= part.vcpus { return result }
        } while result.vcpus.count < 64
        return result
    }

    /// Up to 1 KiB of a console from stream position `from` on. Position 0 gives the oldest bytes that are still kept.
    public func readConsole(_ partition: String, from: UInt64) throws(LinkError) -> ConsoleText {
        var request = try self.request(.consoleRead, partition)
        request.position = from
        let payload = try exchange(request)
        guard let text = try? Self.console(payload) else { throw .unreadable(path: path, operation: .consoleRead) }
        return ConsoleText(
            position: text.position, bytes: text.bytes, end: text.end,
            lost: text.position > from ? text.position - from : 0)
    }

    /// Offers bytes to a guest's console; returns how many, from the first on, its UART took. Offer the rest again.
    public func writeConsole(_ partition: String, _ bytes: [UInt8]) throws(LinkError) -> Int {
        let request = try self.request(.consoleWrite, partition)
        let offered = Array(bytes.prefix(ControlRequest.maxData))
        let payload = try exchange(request, data: offered)
        guard let count = try? Self.accepted(payload), count <= offered.count else {
            throw .unreadable(path: path, operation: .consoleWrite)
        }
        return count
    }

    /// Asks for `start`, `stop`, `pause`, `resume` or `restart`. Returns once the machine has begun it.
    public func change(_ operation: ControlOperation, _ partition: String) throws(LinkError) {
        _ = try exchange(try request(operation, partition))
    }

    private func request(_ operation: ControlOperation, _ partition: String) throws(LinkError) -> ControlRequest {
        var request = ControlRequest(operation)
        for byte in partition.utf8 {
            guard request.partition.append(byte) else {
                throw .unwritable("\"\(partition)\" is no partition's name: it has more than 31 bytes")
            }
        }
        return request
    }

    private static func machine(_ payload: [UInt8]) throws(CBORError) -> MachineInfo {
        var reply = try ControlReply(payload.span)
        return try MachineInfo(&reply)
    }

    private static func list(_ payload: [UInt8]) throws(CBORError) -> [PartitionInfo] {
        var reply = try ControlReply(payload.span)
        let list = try PartitionList(&reply)
        return (0..<list.count).map { list.partitions[$0] }
    }

    private static func inventory(_ payload: [UInt8]) throws(CBORError) -> InventoryPart {
        var reply = try ControlReply(payload.span)
        return try InventoryPart(&reply)
    }

    private static func statistics(_ payload: [UInt8]) throws(CBORError) -> Statistics {
        var reply = try ControlReply(payload.span)
        return try Statistics(&reply)
    }

    private static func console(
        _ payload: [UInt8]
    ) throws(CBORError) -> (position: UInt64, bytes: [UInt8], end: UInt64) {
        var reply = try ControlReply(payload.span)
        let chunk = try ConsoleChunk(&reply)
        var bytes: [UInt8] = []
        for i in 0..<chunk.bytes.count { bytes.append(chunk.bytes[i]) }
        // A range that wraps around is not believed: positions are added to later.
        guard chunk.position <= UInt64(Int64.max) else { throw .outOfRange }
        return (chunk.position, bytes, chunk.end)
    }

    private static func accepted(_ payload: [UInt8]) throws(CBORError) -> Int {
        var reply = try ControlReply(payload.span)
        return try ConsoleAccepted(&reply).count
    }
}
