import ControlClient
import Foundation

/// QEMU's machine protocol (QMP): looks at an emulated machine from outside. Used by one thread; one client at a time.
public final class MachineProtocol {
    private let machine: Machine
    private let line: ByteStream
    private var received: [UInt8] = []
    private let seconds: Double

    /// - Parameter seconds: how long an answer may take, as of `Machine.deadline`.
    /// - Throws: `MachineError.impossible` when the machine has no such protocol, `LinkError`.
    public init(_ machine: Machine, seconds: Double = 120) throws {
        guard case .amd = machine.emulator.kind else {
            throw MachineError.impossible("only a machine that QEMU emulates can be looked at from outside")
        }
        (self.machine, self.seconds) = (machine, seconds)
        line = try ByteStream.open(machine.qmp.path)
        _ = try message { $0["QMP"] != nil }
        try execute("qmp_capabilities")
    }

    /// Stops all processors until `resume`.
    public func stop() throws { try execute("stop") }
    public func resume() throws { try execute("cont") }

    /// Has QEMU write physical memory to a file, as a processor that has no caches and no tables would see it.
    public func save(_ range: Range<UInt64>, to file: URL) throws {
        try execute(
            "pmemsave", ["val": range.lowerBound, "size": range.upperBound - range.lowerBound, "filename": file.path])
    }

    /// What a command of QEMU's monitor for people prints.
    public func monitor(_ command: String) throws -> String {
        try execute("human-monitor-command", ["command-line": command]) as? String ?? ""
    }

    /// Executes a command and gives what it returns.
    /// - Throws: `MachineError.declined` with QEMU's words when it refuses, `LinkError`.
    @discardableResult
    public func execute(_ command: String, _ arguments: [String: Any] = [:]) throws -> Any? {
        let request: [String: Any] = ["execute": command, "arguments": arguments]
        try line.send(Array(JSONSerialization.data(withJSONObject: request)) + [0x0A])
        let answer = try message { $0["return"] != nil || $0["error"] != nil }
        if let error = answer["error"] as? [String: Any] {
            throw MachineError.declined("\(command): \(error["desc"] ?? "an error without words")")
        }
        return answer["return"]
    }

    /// The next message that is wanted; events are passed over.
    private func message(_ isWanted: ([String: Any]) -> Bool) throws -> [String: Any] {
        let deadline = machine.deadline(seconds: seconds)
        while true {
            if let end = received.firstIndex(of: 0x0A) {
                let text = Data(received[..<end])
                received.removeSubrange(...end)
                let object = try JSONSerialization.jsonObject(with: text) as? [String: Any]
                if let object, isWanted(object) { return object }
                continue
            }
            guard !deadline.isOver else {
                throw MachineError.timeout(awaited: "answer of the machine protocol", seconds: seconds, log: "")
            }
            received += try line.receive(timeout: .seconds(1))
        }
    }
}
