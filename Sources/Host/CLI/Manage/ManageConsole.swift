import ArgumentParser
import ControlClient
import Foundation
import Synchronization

struct ConsoleCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "console", abstract: "Read and write a guest's console.",
        discussion: """
            On a terminal: interactive, Ctrl-] detaches; the guest goes on either way. Otherwise, or with --send, --read \
            or --until: types what --send says and prints what the guest writes from then on.
            """)

    @OptionGroup var machine: MachineOptions
    @Argument(help: "The partition.") var partition: String
    @Option(help: ArgumentHelp("Type this and Enter. May be repeated.", valueName: "text")) var send: [String] = []
    @Option(help: ArgumentHelp("Print for so many seconds, then end.", valueName: "seconds")) var read: Double?
    @Option(help: ArgumentHelp("Print until a line contains this, then end.", valueName: "text")) var until: String?

    func validate() throws {
        if let read, !(0...86400).contains(read) { throw ValidationError("--read takes 0 to 86400 seconds.") }
    }

    func run() throws {
        try Manage.run {
            let client = try machine.connect()
            let isScript = !send.isEmpty || read != nil || until != nil || isatty(STDOUT_FILENO) == 0
            guard !isScript, let terminal = RawTerminal.enter() else { return try script(client) }
            var session = ConsoleSession(client, partition)
            try session.attach()
            _ = consume terminal
        }
    }

    private func script(_ client: ControlClient) throws {
        var stream = ConsoleStream(partition: partition)
        // What was there before is of no interest to one who types, or waits for a line.
        if !send.isEmpty || until != nil { try stream.skipToEnd(client) }
        for text in send { try ConsoleStream.type(Array((text + "\r").utf8), to: partition, client) }
        guard read != nil || until != nil || send.isEmpty else { return }
        let limit = read ?? (until == nil ? .infinity : 60)
        let end = ContinuousClock.now + .seconds(min(limit, 1e9))
        var line: [UInt8] = []
        repeat {
            let bytes = try stream.next(client)
            Terminal.write(bytes)
            for byte in bytes {
                line = byte == 0x0A ? [] : line + [byte]
                if let until, byte == until.utf8.last, String(decoding: line, as: UTF8.self).contains(until) {
                    return Terminal.write("\n")
                }
                // A line without end is not kept: what is waited for is shorter.
                if line.count > 4096 { line.removeFirst(2048) }
            }
            if bytes.isEmpty { Pause.seconds(0.1) }
        } while ContinuousClock.now < end
        if let until { throw ManageError.unexpected("\(partition): no line with \"\(until)\" came in \(limit) s.") }
    }
}

/// One partition's console as a stream of new bytes.
struct ConsoleStream {
    let partition: String
    private(set) var position: UInt64 = 0
    /// Bytes that the guest overwrote before they were read, in all.
    private(set) var lost: UInt64 = 0

    init(partition: String) { self.partition = partition }

    /// From here on only what the guest writes from now on.
    mutating func skipToEnd(_ client: ControlClient) throws(LinkError) {
        position = try client.readConsole(partition, from: position).end
    }

    /// New bytes, none when there are none now. Bytes that were lost are told in their place.
    mutating func next(_ client: ControlClient) throws(LinkError) -> [UInt8] {
        let text = try client.readConsole(partition, from: position)
        // What was overwritten before anyone looked is no loss worth a line.
        let gap = position > 0 ? text.lost : 0
        position = text.next
        lost += gap
        return gap > 0 ? Array("\r\n[\(gap) bytes lost]\r\n".utf8) + text.bytes : text.bytes
    }

    /// Types bytes as fast as the guest's UART takes them; gives up when it takes none for five seconds.
    static func type(_ bytes: [UInt8], to partition: String, _ client: ControlClient) throws {
        var rest = bytes[...]
        var timeouts = 100
        while !rest.isEmpty {
            let taken = try client.writeConsole(partition, Array(rest))
            rest = rest.dropFirst(taken)
            if taken == 0 {
                timeouts -= 1
                guard timeouts > 0 else {
                    throw ManageError.unexpected("\(partition): the guest does not read its console.")
                }
                Pause.seconds(0.05)
            } else {
                timeouts = 100
            }
        }
    }
}

/// An interactive console.
struct ConsoleSession {
    private static let detach: UInt8 = 0x1D
    private let client: ControlClient
    private var stream: ConsoleStream

    init(_ client: ControlClient, _ partition: String) {
        self.client = client
        stream = ConsoleStream(partition: partition)
    }

    /// Returns when the user detaches or input ends. The terminal must be raw.
    mutating func attach() throws {
        Terminal.write("[console of \(Manage.printable(stream.partition)); Ctrl-] detaches]\r\n")
        defer { Terminal.write("\r\n[detached]\r\n") }
        var mayType = true
        // Keys that the guest's UART has not taken yet.
        var keys: [UInt8] = []
        while !endRequested.load(ordering: .relaxed) {
            let bytes = try stream.next(client)
            Terminal.write(bytes)
            guard let typed = Terminal.typed(timeout: bytes.isEmpty ? 0.1 : 0) else { return }
            let isLast = typed.contains(Self.detach)
            keys += typed.prefix { $0 != Self.detach }
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
