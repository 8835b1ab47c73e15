import Foundation

/// One partition's console as a stream of new bytes.
public struct ConsoleStream {
    public let partition: String
    private var position: UInt64 = 0
    private var replayEnd: UInt64 = 0

    /// Whether what `next` gives next was written before `noteEnd`.
    public var isReplay: Bool { position < replayEnd }

    public init(partition: String) { self.partition = partition }

    /// From here on only what the guest writes from now on.
    public mutating func skipToEnd(_ client: ControlClient) throws(LinkError) {
        position = try client.readConsole(partition, from: position).end
    }

    /// What the guest has written until now is a replay.
    public mutating func noteEnd(_ client: ControlClient) throws(LinkError) {
        replayEnd = try client.readConsole(partition, from: position).end
    }

    /// New bytes, none when there are none now. Bytes that the guest overwrote before they were read are told in their place.
    public mutating func next(_ client: ControlClient) throws(LinkError) -> [UInt8] {
        let text = try client.readConsole(partition, from: position)
        // What was overwritten before anyone looked is no loss worth a line.
        let gap = position > 0 ? text.lost : 0
        position = text.next
        return gap > 0 ? Array("\r\n[\(gap) bytes lost]\r\n".utf8) + text.bytes : text.bytes
    }

    /// Types bytes as fast as the guest's UART takes them; false when it takes none for `limit`.
    public func type(
        _ bytes: [UInt8], _ client: ControlClient, limit: Duration = .seconds(5)
    ) throws(LinkError) -> Bool {
        var rest = bytes[...]
        var deadline = ContinuousClock.now + limit
        while !rest.isEmpty {
            let taken = try client.writeConsole(partition, Array(rest))
            rest = rest.dropFirst(taken)
            if taken > 0 {
                deadline = .now + limit
            } else {
                guard .now < deadline else { return false }
                Thread.sleep(forTimeInterval: 0.05)
            }
        }
        return true
    }
}
