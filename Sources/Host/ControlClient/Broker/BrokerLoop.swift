import Control
import Foundation

/// A broker's work, all on one thread: waits for bytes from the machine and the tools and passes them on.
final class BrokerLoop {
    static let maxClients = 32

    private let machine: BrokerMachine
    private let listener: Int32
    /// Readable when the loop is to end.
    private let wakeup: Int32
    private let path: String
    private var clients: [BrokerClient] = []
    /// Where the next search for a request begins, so that a busy tool does not hold others up.
    private var turn = 0

    init(machine: BrokerMachine, listener: Int32, wakeup: Int32, path: String) {
        self.machine = machine
        self.listener = listener
        self.wakeup = wakeup
        self.path = path
    }

    /// Returns when the machine hangs up or `wakeup` gets readable. Tools that still wait are told.
    func run() {
        while serve() {}
        for client in clients {
            if let sequence = client.inFlight {
                client.answer(FrameHeader(kind: .request, sequence: sequence), .linkDown)
            }
            while let request = client.nextRequest() { client.answer(request.header, .linkDown) }
            try? client.write()
        }
    }

    /// One turn; false when it was the last.
    private func serve() -> Bool {
        passOn()
        var entries = [
            pollfd(fd: wakeup, events: Int16(POLLIN), revents: 0),
            pollfd(fd: listener, events: Int16(POLLIN), revents: 0),
            pollfd(fd: machine.stream.descriptor, events: Self.events(true, machine.mustWrite), revents: 0),
        ]
        entries += clients.map {
            pollfd(fd: $0.stream.descriptor, events: Self.events($0.mayRead, $0.mustWrite), revents: 0)
        }
        let ready = unsafe poll(&entries, nfds_t(entries.count), timeout())
        guard ready >= 0 || errno == EINTR else { return false }
        if ready < 0 { return true }
        if entries[0].revents != 0 { return false }
        do throws(LinkError) {
            if entries[2].revents != 0 { try machine.read(event: tellAll) }
            try machine.write()
        } catch { return false }
        if let request = machine.tick() { giveUp(request) }
        let revents = entries.dropFirst(3).map(\.revents)
        clients = zip(clients, revents).filter { serve($0, $1) }.map(\.0)
        if entries[1].revents != 0 { accept() }
        return true
    }

    private static func events(_ read: Bool, _ write: Bool) -> Int16 {
        (read ? Int16(POLLIN) : 0) | (write ? Int16(POLLOUT) : 0)
    }

    /// False when the tool has gone.
    private func serve(_ client: BrokerClient, _ revents: Int16) -> Bool {
        do throws(LinkError) {
            if revents & Int16(POLLIN) != 0 { try client.read() }
            try client.write()
        } catch { return false }
        return revents & Int16(POLLHUP | POLLERR | POLLNVAL) == 0 || revents & Int16(POLLIN) != 0
    }

    private func timeout() -> Int32 {
        guard let due = machine.due else { return -1 }
        return Int32(min(due / .milliseconds(1) + 1, 60_000))
    }

    private func accept() {
        let descriptor = Glibc.accept(listener, nil, nil)
        guard descriptor >= 0 else { return }
        let stream = ByteStream(descriptor: descriptor, path: path)
        // A stream that nobody keeps is closed, which tells the tool.
        if clients.count < Self.maxClients { clients.append(BrokerClient(stream)) }
    }

    /// Gives the machine its next request, each tool in turn.
    private func passOn() {
        guard machine.current == nil, !clients.isEmpty else { return }
        for i in 0..<clients.count {
            let client = clients[(turn + i) % clients.count]
            guard let next = client.queue.first else { continue }
            if let request = try? ControlRequest.decode(next.payload.span) {
                if !request.operation.description.isRepeatable, !machine.hasAnswered { return machine.probe() }
                if request.operation == .events, !subscribe(client, request.on, next.header) { return passOn() }
            }
            turn = (turn + i + 1) % clients.count
            if let request = client.nextRequest() { machine.begin(request, for: client) }
            return
        }
    }

    /// Which tools want events is known here alone: the machine sees one manager, and hears that events are not wanted
    /// when the last tool wants no more. False when the machine need not be asked.
    private func subscribe(_ client: BrokerClient, _ on: Bool, _ header: FrameHeader) -> Bool {
        client.wantsEvents = on
        if on || !clients.contains(where: \.wantsEvents) { return true }
        _ = client.nextRequest()
        client.answer(header, .ok)
        return false
    }

    private func tellAll(_ event: ArrivedFrame) {
        for client in clients where client.wantsEvents { client.send(event) }
    }

    /// A machine that does not answer one does not answer the others either: all who wait are told now.
    private func giveUp(_ request: BrokerMachine.PendingRequest) {
        request.client?.answer(request.header, .noAnswer)
        for client in clients {
            while let waiting = client.nextRequest() { client.answer(waiting.header, .noAnswer) }
        }
    }
}
