import Audit
import Control
import ControlClient
import LibvirtWire
import Logging

/// What the daemon writes into its two logs. Changes and the machine's news have one of their own, which nobody fills by asking:
/// reads, refusals, comings and goings are in the other.
final class AuditTrail {
    private let changes: AuditLog
    private let reads: AuditLog
    private let log: Logger
    /// The last write has failed: said once.
    private var hasFailed = false
    /// Records that could not be written.
    private(set) var failures: UInt64 = 0
    var records: (changes: UInt64, reads: UInt64) { (changes.head.number, reads.head.number) }

    /// - Throws: `AuditError`.
    convenience init(_ configuration: DaemonConfiguration, log: Logger) throws {
        try self.init(
            changes: AuditLog(path: configuration.auditLog), reads: AuditLog(path: configuration.readLog), log: log)
    }

    init(changes: AuditLog, reads: AuditLog, log: Logger) throws {
        (self.changes, self.reads, self.log) = (changes, reads, log)
        for log in [changes, reads] { try log.append(AuditRecord(.started), synced: true) }
    }

    func end() {
        for log in [changes, reads] { try? log.append(AuditRecord(.ended), synced: true) }
    }

    /// A change is about to be carried out.
    /// - Throws: `RemoteError` where that cannot be written: it is not carried out.
    func begin(_ call: RemoteCall, of client: ClientConnection) throws(RemoteError) {
        do throws(AuditError) { try changes.append(record(.call, call, client), synced: true) } catch {
            fail(error)
            throw RemoteError(.systemError, "nothing is changed, since the audit log cannot be written: \(error)")
        }
    }

    func note(answered call: RemoteCall, _ error: RemoteError.Code?, of client: ClientConnection) {
        var record = record(.answer, call, client)
        record.result = error.map { "\($0)" } ?? "ok"
        write(record, to: call.isChange ? changes : reads, synced: call.isChange)
    }

    func note(_ kind: AuditRecord.Kind, of client: ClientConnection) {
        var record = AuditRecord(kind)
        identify(client, in: &record)
        record.detail = client.session.isReadOnly ? "read-only" : nil
        write(record, to: reads)
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
        write(record, to: changes)
    }

    /// The machine answers, or does not any more.
    func note(machine words: String) {
        var record = AuditRecord(.machine)
        record.detail = words
        write(record, to: changes)
    }

    private func identify(_ client: ClientConnection, in record: inout AuditRecord) {
        (record.client, record.uid, record.pid) = (client.number, client.peer?.uid, client.peer?.pid)
    }

    private func record(_ kind: AuditRecord.Kind, _ call: RemoteCall, _ client: ClientConnection) -> AuditRecord {
        var record = AuditRecord(kind)
        identify(client, in: &record)
        record.call = call.name ?? "procedure \(call.header.procedure)"
        guard let wire = call.domain else { return record }
        // By its UUID, which alone counts; a client may claim any name.
        let domain = try? client.daemon.machine.domain(wire)
        record.domain = domain?.name ?? "\(wire.uuid)"
        record.partition = domain?.partition
        return record
    }

    private func write(_ record: AuditRecord, to audit: AuditLog, synced: Bool = false) {
        do throws(AuditError) {
            try audit.append(record, synced: synced)
            hasFailed = false
        } catch { fail(error) }
    }

    private func fail(_ error: AuditError) {
        failures += 1
        if !hasFailed { log.error("the audit log cannot be written: \(error)") }
        hasFailed = true
    }
}
