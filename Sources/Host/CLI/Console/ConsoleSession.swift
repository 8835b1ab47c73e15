import ControlClient
import ManifestRules
import Reports

/// An interactive console.
struct ConsoleSession {
    private let client: ControlClient
    private var stream: ConsoleStream

    init(_ client: ControlClient, _ partition: String) {
        self.client = client
        stream = ConsoleStream(partition: partition)
    }

    /// Returns when the user detaches or input ends. The terminal must be raw.
    mutating func attach() throws {
        Terminal.write("[console of \(printable(stream.partition)); Ctrl-] detaches]\r\n")
        defer { Terminal.write("\r\n[detached]\r\n") }
        var mayType = true
        // A terminal would answer queries that the guest made long ago.
        var filter = ConsoleFilter()
        try stream.noteEnd(client)
        // Keys that the guest's UART has not taken yet.
        var keys: [UInt8] = []
        var pacing = ConsolePacing()
        while !EndRequest.isMade {
            let isReplay = stream.isReplay
            let bytes = try stream.next(client)
            Terminal.write(isReplay ? filter.take(bytes) : bytes)
            guard let typed = Terminal.typed(timeout: pacing.wait(came: bytes.count)) else { return }
            if !typed.isEmpty { pacing.restart() }
            let isLast = typed.contains(Terminal.detachKey)
            keys += typed.prefix { $0 != Terminal.detachKey }
            if mayType, !keys.isEmpty {
                do throws(LinkError) {
                    keys.removeFirst(try client.writeConsole(stream.partition, keys))
                    // Like a terminal server: what a deaf guest leaves lying is not kept for ever.
                    if keys.count > 4096 { keys.removeAll() }
                } catch {
                    guard case .refused(.notPermitted, _, _) = error else { throw error }
                    mayType = false
                    Terminal.write("\r\n[\(error)]\r\n")
                }
            }
            if isLast { return }
        }
    }
}
