import Control
import ControlClient
import LibvirtWire
import Logging
import NIOCore

/// What all clients share: the machine, the table of procedures, the changes under way. Used on one event loop.
final class Daemon {
    let loop: EventLoop
    let link: MachineLink
    let log: Logger
    let configuration: DaemonConfiguration
    let machine = MachineModel()
    let table: ProcedureTable<ClientConnection>
    var clients: [ObjectIdentifier: ClientConnection] = [:]
    private var changes: [PendingChange] = []

    init(_ configuration: DaemonConfiguration, _ link: MachineLink, loop: EventLoop, log: Logger) {
        (self.configuration, self.link, self.loop, self.log) = (configuration, link, loop, log)
        table = Self.makeTable()
        machine.changed = { [unowned self] domain, change in
            for client in clients.values { client.tell(domain, change) }
        }
        machine.refreshed = { [unowned self] in settle() }
    }

    private static func makeTable() -> ProcedureTable<ClientConnection> {
        var table = ProcedureTable<ClientConnection>()
        ConnectProcedures.add(to: &table)
        NodeProcedures.add(to: &table)
        ListProcedures.add(to: &table)
        DomainProcedures.add(to: &table)
        LifecycleProcedures.add(to: &table)
        ConsoleProcedures.add(to: &table)
        EventProcedures.add(to: &table)
        return table
    }

    func take(_ news: MachineNews) {
        switch news {
        case .up(let info, _, let partitions):
            log.info(
                "the machine \(info.name.string) answers: Bulkhead \(info.version.string), \(partitions.count) partitions"
            )
        case .down(let reason):
            // Once, not each second.
            if machine.trouble != reason { log.warning("\(reason)") }
        case .event(let event):
            log.info("\(event.partition.string): \(event.state.name), \(event.cause.name)")
        case .partitions: break
        }
        machine.take(news)
        if case .down(let reason) = news {
            for change in changes { change.done(.failure(RemoteError(.systemError, reason))) }
            changes = []
        }
    }

    // MARK: Changes of a partition's state

    /// A change that the machine has begun.
    private struct PendingChange {
        let partition: String
        let operation: ControlOperation
        let change: LifecycleChange
        let end: NIODeadline
        let done: (Result<Void, RemoteError>) -> Void
    }

    /// Has a partition led to another state; `done` is called once it is there, or will not be.
    func change(_ operation: ControlOperation, _ domain: Domain, _ done: @escaping (Result<Void, RemoteError>) -> Void)
    {
        guard let change = LifecycleChange(operation, before: domain.info) else { return done(.success(())) }
        let name = domain.partition
        let asked = link.ask(loop) { (client) throws(LinkError) in try client.change(operation, name) }
        asked.assumeIsolated().whenComplete { [weak self] result in
            switch result {
            case .success:
                let end = NIODeadline.now() + .seconds(Limits.changeSeconds)
                self?.changes.append(
                    PendingChange(partition: name, operation: operation, change: change, end: end, done: done))
            case .failure(let error): done(.failure(Self.remote(error)))
            }
        }
    }

    static func remote(_ error: Error) -> RemoteError {
        (error as? LinkError)?.remote ?? (error as? RemoteError) ?? RemoteError(.internalError, "\(error)")
    }

    /// Answers those whose change has come to its end.
    private func settle() {
        let now = NIODeadline.now()
        let before = changes
        changes = []
        for pending in before {
            guard let domain = machine.domain(partition: pending.partition) else { continue }
            let words = "\(pending.operation.name) of partition \(pending.partition)"
            switch pending.change.progress(domain.info) {
            case .done: pending.done(.success(()))
            case .ended:
                let why = "\(words): it is \(domain.info.state.name) (\(domain.info.cause.name))"
                pending.done(.failure(RemoteError(.operationFailed, why)))
            case .underWay where now < pending.end: changes.append(pending)
            case .underWay:
                let why = "\(words) did not happen within \(Limits.changeSeconds) s: it is \(domain.info.state.name)"
                pending.done(.failure(RemoteError(.operationTimeout, why)))
            }
        }
    }

    /// The machine's own description.
    /// - Throws: `RemoteError` when it has never answered.
    func machineInfo() throws(RemoteError) -> MachineInfo {
        guard let info = machine.info else { throw RemoteError(.systemError, machine.trouble ?? "no answer") }
        return info
    }
}
