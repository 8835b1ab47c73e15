import ControlClient
import Foundation

/// A UNIX socket for tools, in front of an emulator that can only connect to TCP ports: what QEMU does by itself.
///
/// It takes one client at a time; the next waits until that one hangs up. What the machine sends while nobody is
/// connected is lost, as on a serial line; nothing else is. A client that does not read is hung up on, so that it cannot
/// hold the machine.
final class SerialBridge: Sendable {
    /// The TCP port on 127.0.0.1 that the emulator connects to.
    var port: UInt16 { machine.number }
    private let machine: LoopbackPort
    private let wakeup: Wakeup
    private let finished = DispatchSemaphore(value: 0)

    /// Bytes that a client may leave unread.
    static let maxUnread = 1 << 20
    /// Bytes that a client may send ahead of the machine.
    static let maxAhead = 1 << 16

    /// Serves the UNIX socket `path` on a thread of its own, until `stop` or until the emulator hangs up.
    init(path: String) throws {
        machine = try LoopbackPort()
        wakeup = try Wakeup()
        let listener = Descriptor(try UnixSocket.listen(path))
        listener.makeNonblocking()
        let thread = Thread { [machine, wakeup, finished] in
            var loop = SerialBridgeLoop(emulator: machine.listener, clients: listener, stop: wakeup.reader)
            while loop.turn() {}
            unsafe unlink(path)
            finished.signal()
        }
        thread.name = "COM2"
        thread.start()
    }

    /// Ends the bridge: a client is hung up on, the socket is removed. May be called more than once.
    func stop() {
        wakeup.signal()
        finished.wait()
        finished.signal()
    }
}

/// A bridge's work, all on one thread.
private struct SerialBridgeLoop {
    let emulator: Descriptor
    let clients: Descriptor
    let stop: Descriptor
    private var machine: Descriptor?
    private var client: Descriptor?
    private var toMachine: ArraySlice<UInt8> = []
    private var toClient: ArraySlice<UInt8> = []

    init(emulator: Descriptor, clients: Descriptor, stop: Descriptor) {
        (self.emulator, self.clients, self.stop) = (emulator, clients, stop)
    }

    /// Waits for bytes and passes them on; false when the emulator has hung up or the bridge is to stop.
    mutating func turn() -> Bool {
        let readsClient: Int32 = toMachine.count < SerialBridge.maxAhead ? POLLIN : 0
        var entries = [pollfd]([
            (stop, POLLIN),
            (machine ?? emulator, POLLIN | (machine != nil && !toMachine.isEmpty ? POLLOUT : 0)),
            (client ?? clients, client == nil ? POLLIN : readsClient | (toClient.isEmpty ? 0 : POLLOUT)),
        ])
        guard entries.wait(), entries[0].revents == 0 else { return false }
        if machine == nil {
            machine = emulator.accept()
        } else if entries[1].revents != 0, !serveMachine() {
            return false
        }
        if client == nil {
            client = clients.accept()
        } else if entries[2].revents != 0 {
            serveClient(entries[2].revents)
        }
        return true
    }

    private mutating func serveMachine() -> Bool {
        guard let machine else { return true }
        let bytes = machine.receive()
        if let bytes {
            // Most answers fit the socket at once: then nothing is kept.
            if client != nil { toClient += bytes }
            writeClient()
            if bytes.isEmpty { return false }
        }
        guard let sent = machine.send(toMachine) else { return false }
        toMachine = toMachine.dropFirst(sent)
        return true
    }

    private mutating func serveClient(_ events: Int16) {
        if events & Int16(POLLIN | POLLHUP | POLLERR) != 0, toMachine.count < SerialBridge.maxAhead,
            let bytes = client?.receive()
        {
            if bytes.isEmpty { return hangUp() }
            toMachine += bytes
            // What does not fit now waits until the machine is ready for more.
            if let sent = machine?.send(toMachine) { toMachine = toMachine.dropFirst(sent) }
        } else if events & Int16(POLLHUP | POLLERR) != 0, events & Int16(POLLIN) == 0 {
            return hangUp()
        }
        writeClient()
    }

    private mutating func writeClient() {
        guard let client else { return }
        guard let sent = client.send(toClient) else { return hangUp() }
        toClient = toClient.dropFirst(sent)
        if toClient.count > SerialBridge.maxUnread { hangUp() }
    }

    private mutating func hangUp() { (client, toClient) = (nil, []) }
}
