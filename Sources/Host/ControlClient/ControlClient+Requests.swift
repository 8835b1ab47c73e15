import CBOR
import Control
import Manifest

/// What a manager may ask; each throws `LinkError`.
extension ControlClient {
    /// What machine and hypervisor this is.
    public func hello() throws(LinkError) -> MachineInfo {
        try ask(ControlRequest(.hello)) { (reply) throws(CBORError) in try reply.message() }
    }

    /// Asks `hello` until the machine answers, for as long as it may boot; other errors than silence end it.
    public func waitUntilUp(_ limit: Duration) throws(LinkError) -> MachineInfo {
        let deadline = Deadline(clock, after: limit)
        while true {
            do throws(LinkError) {
                return try hello()
            } catch {
                guard error.isSilence, !deadline.isOver else { throw error }
            }
        }
    }

    /// All partitions, in the manifest's order.
    public func list() throws(LinkError) -> [PartitionInfo] {
        try ask(ControlRequest(.list)) { (reply) throws(CBORError) in try reply.partitions() }
    }

    /// What the machine has. Items of kinds that this version does not know are left out.
    public func inventory() throws(LinkError) -> [InventoryItem] {
        var request = ControlRequest(.inventory)
        var items: [InventoryItem] = []
        while true {
            let position = Int(request.position)
            let (page, part) = try ask(request) { (reply) throws(CBORError) in
                let page = try reply.message(InventoryPage.self)
                guard page.first == position else { throw .outOfRange }
                return (page, try reply.items())
            }
            items += part.compactMap { $0 }
            request.position += UInt64(part.count)
            if part.isEmpty || Int(request.position) >= page.total { return items }
        }
    }

    /// Exit counters of all vCPUs of a partition.
    public func statistics(_ partition: String) throws(LinkError) -> PartitionStatistics {
        var request = try self.request(.statistics, partition)
        var result = PartitionStatistics(clockMicroseconds: 0, vcpus: [])
        repeat {
            request.vcpu = result.vcpus.count
            let vcpu = request.vcpu
            let (page, exits, traffic, channels) = try ask(request) { (reply) throws(CBORError) in
                let page = try reply.message(StatisticsPage.self), exits = try reply.exits()
                guard page.first == vcpu, !exits.isEmpty else { throw .outOfRange }
                return (page, exits, try reply.traffic(), try reply.channels())
            }
            result.clockMicroseconds = page.clockMicroseconds
            result.vcpus += exits
            result.traffic = traffic
            result.channels = channels
            if result.vcpus.count >= page.vcpus { return result }
        } while result.vcpus.count < 64
        return result
    }

    /// Has a partition's cores and the housekeeping core read back what protects them (`ProtectionReport.word`).
    ///
    /// - Returns: by vCPU, 0 where a core has not answered within `limit`.
    public func selfCheck(
        _ partition: String, limit: Duration = .seconds(5)
    ) throws(LinkError) -> (vcpus: [UInt64], housekeeping: UInt64) {
        let request = try self.request(.selfCheck, partition), deadline = Deadline(clock, after: limit)
        // Each request takes what is there and asks anew: what the first one brings is older than it.
        var report = try ask(request) { (reply) throws(CBORError) in try reply.protection() }
        report.vcpus = report.vcpus.map { _ in 0 }
        while report.vcpus.contains(0), !deadline.isOver {
            let now = try ask(request) { (reply) throws(CBORError) in try reply.protection() }.vcpus
            report.vcpus = zip(report.vcpus, now).map { $0 == 0 ? $1 : $0 }
        }
        return report
    }

    /// Up to 1 KiB of a console from stream position `from` on. Position 0 gives the oldest bytes that are still kept.
    public func readConsole(_ partition: String, from: UInt64) throws(LinkError) -> ConsoleText {
        var request = try self.request(.consoleRead, partition)
        request.position = from
        let text = try ask(request) { (reply) throws(CBORError) in try reply.console() }
        return ConsoleText(
            position: text.position, bytes: text.bytes, end: text.end,
            lost: text.position > from ? text.position - from : 0)
    }

    /// All lines that the hypervisor itself has said and still keeps, some 12 KiB.
    ///
    /// - Throws: `LinkError`, also where the link's other end is of an older version, or does not show them.
    public func log() throws(LinkError) -> [String] {
        var request = ControlRequest(.log), text: [UInt8] = []
        while true {
            let part = try ask(request) { (reply) throws(CBORError) in try reply.console() }
            text += part.bytes
            request.position = part.position + UInt64(part.bytes.count)
            // One that says more all the time is not waited for.
            if part.bytes.isEmpty || text.count > 1 << 20 { break }
        }
        return String(decoding: text, as: UTF8.self).split(separator: "\n").map(String.init)
    }

    /// Offers bytes to a guest's console; returns how many, from the first on, its UART took. Offer the rest again.
    public func writeConsole(_ partition: String, _ bytes: [UInt8]) throws(LinkError) -> Int {
        let offered = Array(bytes.prefix(ControlRequest.maxData))
        return try ask(try request(.consoleWrite, partition), data: offered) { (reply) throws(CBORError) in
            let count = try reply.accepted()
            guard count <= offered.count else { throw .outOfRange }
            return count
        }
    }

    /// Asks for `start`, `stop`, `pause`, `resume` or `restart`. Returns once the machine has noted it: the partition is as it was
    /// until its core takes the request. `LifecycleChange` tells how far it has come.
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

    /// Sends a request and reads its reply; what cannot be read is of another version.
    private func ask<R>(
        _ request: ControlRequest, data: [UInt8] = [], _ read: (ReceivedReply) throws(CBORError) -> R
    ) throws(LinkError) -> R {
        let reply = try exchange(request, data: data)
        do throws(CBORError) { return try read(reply) } catch {
            throw .unreadable(path: path, operation: request.operation)
        }
    }
}
