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
                    .invalidArgument, "'\(domain.name)' has no console '\(device ?? "")'; it has console0")
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
    private var keys: [UInt8] = []
    private var isTyping = false
    private var isOver = false
    /// Keys that a deaf guest leaves lying; more are dropped.
    static let maxKeys = 64 << 10
    /// Between two looks at a console where nothing happens.
    static let pause = TimeAmount.milliseconds(100)

    /// Opens a stream that gives what the guest writes from now on.
    static func open(_ domain: Domain, _ client: ClientConnection, _ call: RemoteCall) throws {
        let name = domain.partition, daemon = client.daemon
        let end = daemon.link.ask(daemon.loop, .read) { (remote) throws(LinkError) in
            try remote.readConsole(name, from: 0).end
        }
        end.assumeIsolated().whenComplete { result in
            do {
                // A console that is refused takes no stream.
                let position = try result.get()
                let feed = ConsoleFeed(try client.session.openStream(call), daemon, domain, from: position)
                call.reply()
                feed.pump()
            } catch { call.fail(Daemon.remote(error)) }
        }
    }

    private init(_ stream: RemoteStream, _ daemon: Daemon, _ domain: Domain, from position: UInt64) {
        (self.stream, self.daemon, self.domain, self.position) = (stream, daemon, domain, position)
        // The stream keeps the feed until it ends.
        stream.received = { bytes in self.take(bytes) }
        stream.ended = { _ in self.isOver = true }
    }

    private func pump() {
        guard !isOver else { return }
        // Another machine's partition may have the same name.
        guard daemon.machine.domain(partition: domain.partition) === domain else {
            return stream.fail(RemoteError(.noDomain, "the machine has no partition '\(domain.partition)' any more"))
        }
        guard stream.isReady else { return later() }
        let name = domain.partition, from = position
        let read = daemon.link.ask(daemon.loop, .read) { (remote) throws(LinkError) in
            try remote.readConsole(name, from: from)
        }
        read.assumeIsolated().whenComplete { result in
            switch result {
            case .success(let text):
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

    private func take(_ bytes: [UInt8]) {
        keys += bytes.prefix(max(Self.maxKeys - keys.count, 0))
        type()
    }

    private func typeLater() { daemon.loop.assumeIsolated().scheduleTask(in: Self.pause) { self.type() } }

    private func type() {
        guard !isTyping, !isOver, !keys.isEmpty else { return }
        isTyping = true
        let name = domain.partition, offered = Array(keys.prefix(1024))
        let written = daemon.link.ask(daemon.loop, .change) { (remote) throws(LinkError) in
            try remote.writeConsole(name, offered)
        }
        written.assumeIsolated().whenComplete { result in
            self.isTyping = false
            switch result {
            case .success(let count):
                self.keys.removeFirst(count)
                if count > 0 { return self.type() }
                self.typeLater()
            case .failure(let error as LinkError) where error.isBusy: self.typeLater()
            case .failure(let error): self.stream.fail(Daemon.remote(error))
            }
        }
    }
}
