import Audit
import Control
import ControlClient
import LibvirtWire
import Logging
import Policy

/// What the daemon writes into its three logs. Changes have one of their own, which nobody fills but by changing something: reads and
/// refusals, and what the machine tells, are in others.
final class AuditTrail {
    /// One of the logs.
    private struct Log {
        let log: AuditLog
        /// Its last write has failed: said once.
        var hasFailed = false
    }
    enum Kind: String, CaseIterable {
        case changes = "audit", reads, events
    }
    private var logs: [Kind: Log]
    private let log: Logger
    /// Records that could not be written.
    private(set) var failures: UInt64 = 0
    /// Of the policy that is used, while it could not be written: before anything is changed under it.
    private var policy: AuditRecord?
    var records: [(kind: Kind, number: UInt64)] { Kind.allCases.map { ($0, logs[$0]?.log.head.number ?? 0) } }
    func synchronizations(_ kind: Kind) -> Int { logs[kind]?.log.synchronizations ?? 0 }

    /// - Throws: `AuditError`.
    convenience init(_ configuration: DaemonConfiguration, log: Logger) throws {
        var logs: [Kind: AuditLog] = [:]
        for kind in Kind.allCases {
            let limit = kind == .changes ? Limits.auditFile : Limits.otherAuditFile
            logs[kind] = try AuditLog(path: configuration.auditLog(kind), limit: limit)
        }
        self.init(logs, log: log)
    }

    init(_ logs: [Kind: AuditLog], log: Logger) {
        self.logs = logs.mapValues { Log(log: $0) }
        self.log = log
        // Where the disk is full reads are answered all the same.
        for kind in Kind.allCases { write(AuditRecord(.started), to: kind, synced: true) }
    }

    func end() { for kind in Kind.allCases { write(AuditRecord(.ended), to: kind, synced: true) } }

    /// What is not on the disk yet, is: called once a second.
    func synchronize() {
        for kind in Kind.allCases { attempt(kind) { (log) throws(AuditError) in try log.synchronize() } }
    }

    /// A change is about to be carried out.
    /// - Throws: `RemoteError` where that cannot be written: it is not carried out.
    func begin(_ call: RemoteCall, of client: ClientConnection) throws(RemoteError) {
        try begin(record(.call, call, client))
    }

    /// The daemon itself is about to start a domain with the machine.
    func begin(autostart domain: Domain) throws(RemoteError) { try begin(Self.autostart(domain, .call)) }

    func note(autostart domain: Domain, _ error: RemoteError.Code?) {
        var record = Self.autostart(domain, .answer)
        record.result = error.map { "\($0)" } ?? "ok"
        write(record, to: .changes, synced: true)
    }

    private static func autostart(_ domain: Domain, _ kind: AuditRecord.Kind) -> AuditRecord {
        var record = AuditRecord(kind)
        (record.call, record.domain, record.partition) = ("autostart", domain.name, domain.partition)
        return record
    }

    private func begin(_ record: AuditRecord) throws(RemoteError) {
        let error =
            sayPolicy()
            ?? attempt(.changes) { (log) throws(AuditError) in try log.append(record, synced: true) }
        guard let error else { return }
        throw RemoteError(.systemError, "nothing is changed, since the audit log cannot be written: \(error)")
    }

    func note(answered call: RemoteCall, _ error: RemoteError.Code?, of client: ClientConnection) {
        var record = record(.answer, call, client)
        record.result = error.map { "\($0)" } ?? "ok"
        write(record, to: call.isChange ? .changes : .reads, synced: call.isChange)
    }

    func note(_ kind: AuditRecord.Kind, of client: ClientConnection, _ detail: String? = nil) {
        var record = AuditRecord(kind)
        identify(client, in: &record)
        let words = [client.host.map { "from \($0)" }, client.session.isReadOnly ? "read-only" : nil].compactMap(\.self)
        record.detail = detail ?? (words.isEmpty ? nil : words.joined(separator: ", "))
        write(record, to: .reads)
    }

    /// Somebody who is nobody's client yet.
    func note(refused words: String) {
        var record = AuditRecord(.disconnected)
        record.detail = words
        write(record, to: .reads)
    }

    func note(_ event: ControlEvent) {
        var record = AuditRecord(.event)
        record.partition = event.partition.string
        switch event.kind {
        case .state: record.detail = "\(event.state.name) by \(event.cause.name)"
        case .fault, .device, .attack:
            let code = String(event.code, radix: 16), address = String(event.address, radix: 16)
            record.detail = "\(event.kind.name), vCPU \(event.vcpu), code \(code), address \(address)"
        }
        if event.lost > 0 { record.detail? += ", \(event.lost) before it were lost" }
        write(record, to: .events)
    }

    /// From here on this one is used.
    func note(_ policy: Policy) {
        var record = AuditRecord(.policy)
        record.detail = "SHA-256 \(AuditHead.digest(of: Array(policy.text.utf8)))"
        self.policy = record
        sayPolicy()
    }

    @discardableResult
    private func sayPolicy() -> AuditError? {
        guard let record = policy else { return nil }
        let error = attempt(.changes) { (log) throws(AuditError) in try log.append(record, synced: true) }
        if error == nil { policy = nil }
        return error
    }

    /// The machine answers, or does not any more.
    func note(machine words: String) {
        var record = AuditRecord(.machine)
        record.detail = words
        write(record, to: .events)
    }

    private func identify(_ client: ClientConnection, in record: inout AuditRecord) {
        (record.client, record.uid, record.pid) = (client.number, client.peer?.uid, client.peer?.pid)
        record.certificate = client.certificate.map { "\($0.name) \($0.fingerprint)" }
    }

    private func record(_ kind: AuditRecord.Kind, _ call: RemoteCall, _ client: ClientConnection) -> AuditRecord {
        var record = AuditRecord(kind)
        identify(client, in: &record)
        record.call = call.name ?? "procedure \(call.header.procedure)"
        record.detail = call.reason
        if let subject = call.subject {
            (record.domain, record.partition) = subject
        } else if let wire = call.domain {
            // By its UUID, which alone counts; a client may claim any name.
            let domain = try? client.daemon.machine.domain(wire)
            record.domain = domain?.name ?? "\(wire.uuid)"
            record.partition = domain?.partition
        }
        return record
    }

    private func write(_ record: AuditRecord, to kind: Kind, synced: Bool = false) {
        attempt(kind) { (log) throws(AuditError) in try log.append(record, synced: synced) }
    }

    /// Counts and says what goes wrong, and gives it back.
    @discardableResult
    private func attempt(_ kind: Kind, _ body: (AuditLog) throws(AuditError) -> Void) -> AuditError? {
        guard let audit = logs[kind] else { return nil }
        do throws(AuditError) {
            try body(audit.log)
            logs[kind]?.hasFailed = false
            return nil
        } catch {
            failures += 1
            if !audit.hasFailed { log.error("the audit log cannot be written: \(error)") }
            logs[kind]?.hasFailed = true
            return error
        }
    }
}
