import ControlClient
import LibvirtWire
import NIOCore

/// Consoles as streams.
enum ConsoleProcedures {
    static func add(to table: inout DaemonTable) {
        table.add("domain_open_console", .change) { client, call in
            let domain = try client.daemon.machine.domain(try WireDomain(&call.arguments))
            let device = try call.arguments.optionalString(max: 1024)
            _ = try call.arguments.uint32()
            guard domain.isActive else { throw DomainProcedures.notRunning(domain) }
            guard device == nil || device == "console0" || device == "serial0" else {
                throw RemoteError(
                    .invalidArgument, "'\(domain.name)' has no console \((device ?? "").quoted); it has console0")
            }
            try ConsoleFeed.open(domain, client, call)
        }
    }
}

/// Carries a guest's console into a stream, and what the stream's client types into the console.
final class ConsoleFeed {
    private let stream: RemoteStream
    private let daemon: Daemon
    private let domain: Domain
    private var position: UInt64
    private let typing: ConsoleTyping
    /// Nobody once the connection has ended.
    private weak var client: ClientConnection?
    private var isOver = false
    /// Keys that a deaf guest leaves lying; more are dropped.
    static let maxKeys = 64 << 10
    /// Between two looks at a console where nothing happens, and two offers to a guest that takes nothing.
    static let pause = TimeAmount.milliseconds(100)

    /// Opens a stream that gives what the guest writes from now on.
    static func open(_ domain: Domain, _ client: ClientConnection, _ call: RemoteCall) throws {
        let name = domain.partition, daemon = client.daemon, connection = daemon.machine.connection
        // Only who may change something opens consoles: it does not wait behind those that may not.
        let end = daemon.link.ask(daemon.loop, .change) { (remote) throws(LinkError) in
            try remote.readConsole(name, from: 0).end
        }
        end.assumeIsolated().whenComplete { result in
            do {
                // A console that is refused takes no stream.
                let position = try result.get()
                if let fault = daemon.machine.absence(of: domain, since: connection) { throw fault }
                try client.require(.console, on: name, call)
                let feed = ConsoleFeed(try client.session.openStream(call), client, domain, from: position)
                call.reply()
                feed.pump()
            } catch { call.fail(Daemon.remote(error)) }
        }
    }

    private init(_ stream: RemoteStream, _ client: ClientConnection, _ domain: Domain, from position: UInt64) {
        (self.stream, self.domain, self.position) = (stream, domain, position)
        (daemon, self.client) = (client.daemon, client)
        let typing = ConsoleTyping(daemon, domain, .ownRead)
        self.typing = typing
        var counted = 0
        typing.changed = { [weak client] count in
            client?.typed += count - counted
            counted = count
        }
        typing.finished = { [weak stream] result in if case .failure(let error) = result { stream?.fail(error) } }
        // The stream keeps the feed until it ends.
        stream.received = { bytes in
            guard self.refusal == nil else { return }
            typing.type(bytes.prefix(max(Self.maxKeys - typing.rest.count, 0)))
        }
        stream.ended = { _ in
            self.isOver = true
            typing.stop()
        }
    }

    /// Why its client may have it no longer: the policy is another one by now, or the time is.
    private var refusal: RemoteError? {
        client.flatMap { $0.refusal(of: .read, on: domain.partition) ?? $0.refusal(of: .console, on: domain.partition) }
    }

    private func pump() {
        guard !isOver else { return }
        if let refusal { return stream.fail(refusal) }
        if let fault = typing.absence { return stream.fail(fault) }
        guard stream.isReady else { return later() }
        let name = domain.partition, from = position
        let read = daemon.link.ask(daemon.loop, .ownRead) { (remote) throws(LinkError) in
            try remote.readConsole(name, from: from)
        }
        read.assumeIsolated().whenComplete { result in
            switch result {
            case .success(let text):
                if let refusal = self.refusal { return self.stream.fail(refusal) }
                self.position = text.next
                if text.lost > 0 { self.stream.send(Array("\r\n[\(text.lost) bytes lost]\r\n".utf8)) }
                self.stream.send(text.bytes)
                if !text.bytes.isEmpty { return self.pump() }
                // All of it has been shown.
                if !self.domain.isActive { return self.stream.end() }
                self.later()
            case .failure(let error as LinkError) where error.isBusy: self.later()
            case .failure(let error): self.stream.fail(Daemon.remote(error))
            }
        }
    }

    private func later() { daemon.loop.assumeIsolated().scheduleTask(in: Self.pause) { self.pump() } }
}
