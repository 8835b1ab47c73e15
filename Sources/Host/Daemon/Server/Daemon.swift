import Control
import ControlClient
import Glibc
import LibvirtWire
import Logging
import Manifest
import NIOCore
import NIOSSL
import Policy

/// What all clients share: the machine, the table of procedures, the changes under way. Used on one event loop.
final class Daemon {
    let loop: EventLoop
    let link: MachineLink
    let log: Logger
    let configuration: DaemonConfiguration
    let machine = MachineModel()
    let table: ProcedureTable<ClientConnection>
    var clients: [ObjectIdentifier: ClientConnection] = [:]
    /// Bytes kept for all clients together.
    var kept = 0
    /// How many clients may be there.
    let places: ClientPlaces
    let store: DomainStore
    let metrics = MetricsPage()
    /// nil: whoever reaches a socket may do what the manifest permits.
    var policy: Policy?
    /// nil: nothing is audited.
    let audit: AuditTrail?
    var shares = UserShares()
    /// nil: nobody is served over TLS.
    var certificates: ClientCertificates?
    /// Over TLS, under way, the oldest first.
    var handshakes: [TLSAdmission] = []
    var mostHandshakes = Limits.handshakes
    var refusals = RefusalWords(), remoteRefusals = RefusalWords()
    /// What a server of TLS shows from the next connection on.
    var tls: TLSConfiguration?
    private var freed = FreedMemory()
    /// The number of the latest connection.
    var lastClient = 0
    private var changes: [PendingChange] = []
    /// The machine has come up, and what starts with it has not been looked for.
    private var startsAreDue = false
    /// Why the last attempt to read what is saved has failed.
    var loadFault: String?
    /// What has been said of what is saved, since the machine answered: said once, however often its partitions come and go.
    var said: Set<String> = []

    init(
        _ configuration: DaemonConfiguration, _ store: DomainStore, _ link: MachineLink, loop: EventLoop, log: Logger,
        audit: AuditTrail? = nil, places: ClientPlaces = ClientPlaces()
    ) {
        self.audit = audit
        policy = configuration.policy
        if let policy { audit?.note(policy) }
        (self.configuration, self.store, self.link, self.places) = (configuration, store, link, places)
        (self.loop, self.log) = (loop, log)
        table = Self.makeTable()
        machine.changed = { [unowned self] domain, change in
            tell(domain, change)
        }
        machine.refreshed = { [unowned self] in settle() }
    }

    private static func makeTable() -> ProcedureTable<ClientConnection> {
        var table = ProcedureTable<ClientConnection>()
        ConnectProcedures.add(to: &table)
        NodeProcedures.add(to: &table)
        NodeDeviceProcedures.add(to: &table)
        ListProcedures.add(to: &table)
        DomainProcedures.add(to: &table)
        DefineProcedures.add(to: &table)
        LifecycleProcedures.add(to: &table)
        MetadataProcedures.add(to: &table)
        StatisticsProcedures.add(to: &table)
        ConsoleProcedures.add(to: &table)
        EventProcedures.add(to: &table)
        return table
    }

    func take(_ news: MachineNews) {
        switch news {
        case .up(let info, _, let partitions, let connection):
            link.address(connection)
            startsAreDue = true
            said = []
            let words =
                "the machine \(info.name.string) answers: Bulkhead \(info.version.string), \(partitions.count) partitions"
            log.info("\(words)")
            audit?.note(machine: words)
            metrics.events.begin(info.name.string)
        case .down(let reason):
            // Once, not each second.
            guard machine.trouble != reason else { break }
            log.warning("\(reason)")
            audit?.note(machine: reason)
        case .event(let event):
            // Of these a machine may tell any number.
            log.debug("\(event.partition.string): \(event.state.name), \(event.cause.name)")
            audit?.note(event)
            metrics.events.note(event, isKnown: machine.domain(partition: event.partition.string) != nil)
        case .partitions: if machine.trouble != nil { audit?.note(machine: "the machine answers again") }
        }
        machine.take(news)
        if loadDomains(), startsAreDue, machine.trouble == nil {
            startsAreDue = false
            startDomains()
        }
        if case .down(let reason) = news {
            for change in changes { change.done(.failure(RemoteError(.systemError, reason))) }
            changes = []
        }
    }

    /// Tells all clients that asked for it.
    /// - Parameter wire: the domain as it was, when it is no more.
    func tell(_ domain: Domain, _ change: DomainChange, as wire: WireDomain? = nil) {
        for client in clients.values where client.sees(domain.partition) { client.tell(wire ?? domain.wire, change) }
    }

    // MARK: Clients

    /// Of a machine that does not answer, nothing is known.
    var policyFacts: PolicyFacts {
        let info = machine.trouble == nil ? machine.info : nil
        return PolicyFacts(machine: info?.name.string, trust: info?.trust ?? TrustAnchors())
    }

    /// Has another policy from the next call on. Clients that it gives nothing are cut off.
    func take(_ new: Policy) {
        let old = policy
        policy = new
        audit?.note(new)
        log.notice("another policy is used from now on")
        for client in clients.values {
            if let refusal = new.refusal(of: client.subject) {
                client.cutOff(refusal)
            } else if let subject = client.subject, old?.mayChange(subject) != new.mayChange(subject) {
                // Its place and its packets were reckoned as another's.
                client.cutOff("the policy gives its user other rights: it may connect anew")
            }
        }
    }

    /// Whether somebody has bounds of his own: with a policy, and not root nor the daemon's user.
    func isBound(_ subject: PolicySubject) -> Bool {
        policy != nil && subject != .uid(0) && subject != .uid(geteuid())
    }

    /// Somebody's connections, if there are bounds for him.
    func clients(of subject: PolicySubject?) -> [ClientConnection]? {
        guard let subject, isBound(subject) else { return nil }
        return clients.values.filter { $0.subject == subject }
    }

    /// Whether one more may come. A quarter of the places is this machine's own users'.
    func hasRoom(isReadOnly: Bool, isRemote: Bool = false) -> Bool {
        clients.count < places.all
            && (!isReadOnly || clients.values.count { $0.session.isReadOnly } < places.readOnly)
            && (!isRemote || clients.values.count { $0.certificate != nil } < places.all - places.all / 4)
    }

    /// Cuts off clients while too much is kept for all together: not those who happen to come next, but those for whom most is
    /// kept, and first those that may change nothing.
    func makeRoom() {
        while kept > Limits.kept {
            let above = clients.values.filter { $0.held > Limits.share }
            let readOnly = above.filter(\.session.isReadOnly)
            guard let largest = (readOnly.isEmpty ? above : readOnly).max(by: { $0.held < $1.held }) else { return }
            largest.cutOff("too much is kept for all clients, and for it \(largest.held) bytes")
            guard clients[ObjectIdentifier(largest)] == nil else { return }
        }
    }

    /// Gives what clients have left behind back to the system, when many have gone: called once a second.
    func giveBack() { if freed.isDue(clients.count) { FreedMemory.giveBack() } }

    /// The daemon ends: its clients' connections are closed.
    func end() {
        for handshake in handshakes { handshake.giveUp() }
        for client in clients.values { client.cutOff("the daemon ends") }
        audit?.end()
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
        let name = domain.partition, connection = machine.connection
        let asked = link.ask(loop, .change) { (client) throws(LinkError) in try client.change(operation, name) }
        asked.assumeIsolated().whenComplete { [self] result in
            switch result {
            case .success:
                // The machine may have gone before this was known: what the next one's partitions do says nothing of it.
                guard machine.trouble == nil, machine.connection == connection else {
                    let why = machine.trouble ?? "\(LinkError.closed(path: configuration.machine))"
                    return done(.failure(RemoteError(.systemError, why)))
                }
                let end = loop.now + .seconds(Limits.changeSeconds)
                changes.append(
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
        let now = loop.now
        let before = changes
        changes = []
        for pending in before {
            let words = "\(pending.operation.name) of partition \(pending.partition)"
            guard let domain = machine.domain(partition: pending.partition) else {
                pending.done(.failure(RemoteError(.operationFailed, "\(words): the machine has it no more")))
                continue
            }
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
