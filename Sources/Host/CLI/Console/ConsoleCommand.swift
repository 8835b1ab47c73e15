import ArgumentParser
import ControlClient
import Reports

struct ConsoleCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "console", abstract: "Read and write a guest's console.",
        discussion: """
            On a terminal: interactive, Ctrl-] detaches; the guest goes on either way. Otherwise, or with --send, --read \
            or --until: types what --send says and prints what the guest writes from then on, as plain text: without what \
            would move a cursor, change a terminal or make it answer; --raw prints it as it is.
            """)

    @OptionGroup var machine: MachineOptions
    @Argument(help: "The partition.") var partition: String
    @Option(help: ArgumentHelp("Type this and Enter. May be repeated.", valueName: "text")) var send: [String] = []
    @Option(help: ArgumentHelp("Print for so many seconds, then end.", valueName: "seconds")) var read: Double?
    @Option(help: ArgumentHelp("Print until a line contains this, then end.", valueName: "text")) var until: String?

    @Flag(help: "Print the guest's bytes as they are, control sequences and all.") var raw = false

    func validate() throws {
        if let read, !(0...86400).contains(read) { throw ValidationError("--read takes 0 to 86400 seconds.") }
    }

    func run() throws {
        try Manage.run {
            let client = try machine.connect()
            let isScript = !send.isEmpty || read != nil || until != nil || !Terminal.isOutput
            guard !isScript, let terminal = RawTerminal.enter() else { return try script(client) }
            EndRequest.bySignals()
            var session = ConsoleSession(client, partition)
            try session.attach()
            _ = consume terminal
        }
    }

    private func script(_ client: ControlClient) throws {
        var stream = ConsoleStream(partition: partition)
        // What was there before is of no interest to one who types, or waits for a line.
        if !send.isEmpty || until != nil { try stream.skipToEnd(client) }
        for text in send where try !stream.type(Array((text + "\r").utf8), client) {
            throw ManageError.unexpected("\(partition): the guest does not read its console.")
        }
        guard read != nil || until != nil || send.isEmpty else { return }
        let limit = read ?? (until == nil ? .infinity : 60)
        let end = ContinuousClock.now + .seconds(min(limit, 1e9))
        var filter = ConsoleFilter()
        var search = until.map { LineSearch(for: $0) }
        var pacing = ConsolePacing()
        repeat {
            let bytes = try stream.next(client)
            Terminal.write(raw ? bytes : filter.take(bytes))
            for byte in bytes where search?.isFound(after: byte) == true { return Terminal.write("\n") }
            Manage.sleep(seconds: pacing.wait(came: bytes.count))
        } while ContinuousClock.now < end
        if let until { throw ManageError.unexpected("\(partition): no line with \"\(until)\" came in \(limit) s.") }
    }
}
