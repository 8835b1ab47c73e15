import Foundation
import Machines

/// The registers of one core as QEMU's monitor shows them.
public struct ProcessorRegisters {
    /// Everything that was shown, for searches.
    public let text: String
    private let values: [String: UInt64]

    /// All cores', in QEMU's order.
    public static func all(_ machine: MachineProtocol) throws -> [ProcessorRegisters] {
        try machine.monitor("info registers -a").components(separatedBy: "CPU#").dropFirst().map {
            ProcessorRegisters($0)
        }
    }

    private init(_ text: String) {
        self.text = text
        var values: [String: UInt64] = [:]
        // NAME=VALUE, or NAME=  VALUE LIMIT for the descriptor tables.
        for match in text.matches(of: /([A-Z][A-Z0-9]*) *= *([0-9a-f]+)/) where values[String(match.1)] == nil {
            values[String(match.1)] = UInt64(match.2, radix: 16)
        }
        self.values = values
    }

    /// By its name in capitals; descriptor tables by their bases (`GDT`, `IDT`).
    public subscript(_ name: String) -> UInt64? { values[name] }
}
