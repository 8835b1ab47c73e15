import ControlClient
import LibvirtWire
import NIOCore

/// Types on a guest's console as fast as its UART takes it: what was taken is dropped, the rest is offered again, each time in a
/// job of its own, so that what others ask goes between.
final class ConsoleTyping {
    private let daemon: Daemon
    private let domain: Domain
    private let kind: JobKind
    /// The machine's when it began.
    private let connection: Int
    /// When the guest must have taken all of it.
    private let end: NIODeadline?
    /// What the guest has not taken.
    private(set) var rest: [UInt8] = [] { didSet { changed(rest.count) } }
    private var isOffering = false
    private var isOver = false
    /// Called with how many bytes the guest has not taken, when it has changed.
    var changed: (Int) -> Void = { _ in }
    /// Called when the guest has taken all, or when nothing more can be typed.
    var finished: (Result<Void, RemoteError>) -> Void = { _ in }

    init(_ daemon: Daemon, _ domain: Domain, _ kind: JobKind, until end: NIODeadline? = nil) {
        (self.daemon, self.domain, self.kind, self.end) = (daemon, domain, kind, end)
        connection = daemon.machine.connection
    }

    /// Why nothing more can be asked of the partition; nil while it is the same machine's.
    var absence: RemoteError? { daemon.machine.absence(of: domain, since: connection) }

    func type(_ bytes: some Collection<UInt8>) {
        guard !isOver, !bytes.isEmpty else { return }
        rest += bytes
        offer()
    }

    /// The rest is not typed.
    func stop() {
        isOver = true
        rest = []
    }

    private func fail(_ error: RemoteError) {
        stop()
        finished(.failure(error))
    }

    private func offerLater() { daemon.loop.assumeIsolated().scheduleTask(in: ConsoleFeed.pause) { self.offer() } }

    private func offer() {
        guard !isOffering, !isOver, !rest.isEmpty else { return }
        if let absence { return fail(absence) }
        if let end, daemon.loop.now >= end {
            return fail(
                RemoteError(.operationTimeout, "the guest of '\(domain.partition)' does not read its console"))
        }
        isOffering = true
        let name = domain.partition, offered = Array(rest.prefix(1024))
        let asked = daemon.link.ask(daemon.loop, kind) { (remote) throws(LinkError) in
            try remote.writeConsole(name, offered)
        }
        asked.assumeIsolated().whenComplete { result in
            self.isOffering = false
            guard !self.isOver else { return }
            switch result {
            case .success(let count):
                self.rest.removeFirst(count)
                if self.rest.isEmpty { return self.finished(.success(())) }
                if count > 0 { self.offer() } else { self.offerLater() }
            case .failure(let error as LinkError) where error.isBusy: self.offerLater()
            case .failure(let error): self.fail(Daemon.remote(error))
            }
        }
    }
}
