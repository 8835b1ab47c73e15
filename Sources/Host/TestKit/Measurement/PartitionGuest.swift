import ControlClient
import Foundation
import Machines

/// A guest in a partition of Bulkhead's, reached by the management link.
public final class PartitionGuest: MeasuredGuest {
    private let client: ControlClient
    private let console: GuestConsole
    private var heard: [String] = []

    /// Called again and again while the guest is waited for.
    public var whileWaiting: () throws -> Void = {}

    public let counter: Counter?
    public let cores: [Int]

    /// - Parameters:
    ///   - name: the partition's; the manifest must permit its console and its statistics.
    ///   - cores: those that it has.
    public init(_ client: ControlClient, partition name: String, cores: [Int], counter: Counter?) {
        (self.client, self.cores, self.counter) = (client, cores, counter)
        console = GuestConsole(partition: name)
        console.onLine = { [unowned self] in heard.append($0) }
    }

    public func type(line: String) throws {
        console.type(line: line)
        try console.exchange(client)
    }

    public var clock: any WaitClock { client.clock }
    public func lines(timeout: Duration) throws -> [String] {
        let deadline = Deadline(HostClock(), after: timeout)
        while true {
            try console.exchange(client)
            try whileWaiting()
            if !heard.isEmpty || deadline.isOver { break }
            Thread.sleep(forTimeInterval: 0.1)
        }
        defer { heard = [] }
        return heard
    }

    public func ownExits() throws -> UInt64? { try client.statistics(console.partition).total }
}
