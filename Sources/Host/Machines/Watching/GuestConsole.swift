import ControlClient

/// Follows one partition's console over the management link, and types on it.
public final class GuestConsole {
    public let partition: String
    /// The newest finished lines, without terminal control sequences.
    public private(set) var lines: [String] = []
    /// Everything since `rawStart`, for a terminal that shows it as it is.
    public private(set) var raw: [UInt8] = []
    /// Bytes that the guest's ring lost before they were read.
    public private(set) var lost: UInt64 = 0
    /// Called with each finished line.
    public var onLine: ((String) -> Void)?
    private var position: UInt64 = 0
    private var splitter = LineSplitter()
    private var outgoing: [UInt8] = []

    static let maxLines = 400
    static let maxRaw = 1 << 16

    public init(partition: String) { self.partition = partition }

    /// The unfinished last line.
    public var partialLine: String { splitter.partial }

    /// Queues bytes for the guest's keyboard; `exchange` sends them.
    public func type(_ bytes: some Sequence<UInt8>) { outgoing += bytes }
    public func type(line: String) { type(Array(line.utf8) + [0x0D]) }
    public func takeRaw() -> [UInt8] {
        defer { raw = [] }
        return raw
    }

    /// Sends what is queued and fetches all that is new.
    /// - Throws: `LinkError`.
    public func exchange(_ client: ControlClient) throws(LinkError) {
        while !outgoing.isEmpty {
            let taken: Int
            do throws(LinkError) { taken = try client.writeConsole(partition, outgoing) } catch {
                // Who may not type is told, and goes on reading.
                guard case .refused(.notPermitted, _, _) = error else { throw error }
                outgoing = []
                raw += Array("\r\n[\(error)]\r\n".utf8)
                break
            }
            guard taken > 0 else { break }
            outgoing.removeFirst(min(taken, outgoing.count))
        }
        // Bounded: a guest that prints faster than the link carries must not keep us here.
        for _ in 0..<32 {
            let text = try client.readConsole(partition, from: position)
            lost += text.lost
            position = text.next
            take(text.bytes)
            if text.next >= text.end { return }
        }
    }

    func take(_ bytes: [UInt8]) {
        raw += bytes
        if raw.count > Self.maxRaw { raw.removeFirst(raw.count - Self.maxRaw) }
        for line in splitter.take(bytes) {
            lines.append(line)
            if lines.count > Self.maxLines { lines.removeFirst() }
            onLine?(line)
        }
    }
}
