import Foundation
import ManifestRules

/// libvirt's own client, by the network.
extension ControlAccess {
    /// For people to copy into a shell.
    public func command(_ client: String) -> String { "virsh -c '\(uri(client))' list --all" }

    /// Waits until the daemon knows the machine: from then on it has domains.
    /// - Parameter seconds: for all tries together. One that is under way is not broken off before 60 s.
    /// - Throws: `MachineError.program` with what virsh has said last, `MachineError.missing` where there is no virsh.
    public func waitUntilServed(seconds: Int = 240) throws {
        let end = ContinuousClock.now + .seconds(seconds)
        while true {
            let said = try virsh("alice", ["hostname"])
            if !Self.isRefusal(said) { return }
            guard ContinuousClock.now < end else {
                throw MachineError.program(command("alice"), status: 1, output: said)
            }
            Thread.sleep(forTimeInterval: 0.2)
        }
    }

    /// Has a client ask.
    /// - Parameter refusal: nil: it must be done, else be refused with these words.
    /// - Returns: who has asked for what, and what came of it, as one line.
    /// - Throws: `MachineError.program` when it is not as it must be, `MachineError.missing` where there is no virsh.
    public func ask(_ client: String, _ words: [String], refusal: String?) throws -> String {
        let said = try virsh(client, words), name = "virsh \(words.joined(separator: " ")) of \(client)"
        guard refusal.map(said.contains) ?? !Self.isRefusal(said) else {
            throw MachineError.program(name, status: 0, output: said + (refusal.map { "\ninstead of: \($0)" } ?? ""))
        }
        let lines = said.split(separator: "\n").map { $0.split(separator: " ").joined(separator: " ") }
        return "\(name): " + (lines.isEmpty ? "done" : refusal ?? lines.joined(separator: ", "))
    }

    /// For one call of virsh: a host that is busy with other things is slow to emulate TLS.
    private static let callSeconds = 60

    private static func isRefusal(_ said: String) -> Bool { said.contains("error:") }

    /// What virsh prints on both its outputs, also when it fails.
    private func virsh(_ client: String, _ words: [String]) throws -> String {
        // Without a terminal: on one virsh looks for a polkit agent, and says among its output that there is none.
        let line =
            ["--wait", "timeout", "--kill-after=5", "\(Self.callSeconds)", "virsh", "-q", "-c", uri(client)] + words
        do {
            return printable(try Tool.run("setsid", line, environment: ["LC_ALL": "C"]), lines: true)
        } catch MachineError.program(_, let status, let output) {
            switch status {
            case 127: throw MachineError.missing(file: "virsh", hint: "install Debian's package libvirt-clients")
            case 124, 137: return "error: no answer within \(Self.callSeconds) s"
            default: return printable(output, lines: true)
            }
        }
    }
}
