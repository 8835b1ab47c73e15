import Control
import ControlClient
import Foundation
import ManifestRules
import Text

/// One event: what `events` prints of it, and with `--json` one object a line.
public struct EventReport: Encodable {
    var sequence: UInt32
    var missed, clockUs: UInt64
    var kind, partition, state, cause: String
    var vcpu: Int?
    var code, address: String?
    /// Of a device: its function, and `read`, `write` or `interrupt`.
    var function, access: String?
    var reason: UInt8?
    /// Of a verdict of the watch.
    var rule, response, what: String?
    /// By the clock of the host that asks, ISO 8601 in UTC.
    var time: String?

    /// - Parameter began: when the hypervisor's clock was 0, by the host's.
    public init(_ numbered: NumberedEvent, began: Date? = nil) {
        let event = numbered.event
        sequence = numbered.sequence
        missed = numbered.missed
        clockUs = event.clockMicroseconds
        time = began.map { Self.time(event.clockMicroseconds, $0) }
        kind = event.kind.name
        partition = event.partition.string
        state = event.state.name
        cause = event.cause.name
        guard event.kind != .state else { return }
        address = Quantity.hexadecimal(event.address)
        if event.kind == .attack {
            vcpu = event.vcpu
            let attack = WatchAttack(code: event.code, address: event.address)
            (rule, response) = (attack.rule, attack.response)
            what = attack.words
        } else if event.kind == .fault {
            vcpu = event.vcpu
            code = Quantity.hexadecimal(event.code)
        } else {
            let refused = RefusedAccess(rawValue: event.code)
            function = refused.functionText
            access = refused.isInterrupt ? "interrupt" : refused.isWrite ? "write" : "read"
            reason = refused.reason
        }
    }

    /// - Parameter began: when the clock was 0.
    static func time(_ clockMicroseconds: UInt64, _ began: Date) -> String {
        let date = began + Double(clockMicroseconds) / 1e6
        return date.formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true))
    }

    /// For people: one line, after one that says how many events got lost before it.
    public var text: String {
        let time = (time.map { $0 + "  " } ?? "") + Quantity.time(clockUs), name = printable(partition)
        var line = missed > 0 ? "(\(missed) events missed)\n" : ""
        if let function, let access, let reason, let address {
            let what = access == "read" ? "a read" : access == "write" ? "a write" : "an interrupt"
            let owner = name.isEmpty ? "nobody's" : name
            line += "\(time)  \(owner)  device \(function) was refused \(what) at \(address) (reason \(reason))"
            return line
        }
        if let vcpu, let what, let response {
            line += "\(time)  \(name)  vCPU \(vcpu): \(what); \(response)"
            return line
        }
        line += "\(time)  \(name)  \(state)  \(cause)"
        if let vcpu, let code, let address { line += "  fault on vCPU \(vcpu): code \(code), address \(address)" }
        return line
    }
}
