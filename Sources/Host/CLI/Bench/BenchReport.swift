import Foundation
import Reports

/// What `bench --json` writes; `Documentation/bench.md` describes every field.
struct BenchReport: Encodable {
    let schema = 1
    let machine: String
    let emulated = true
    let processor: String
    let hypervisorVersion: String
    let guestKernel: String
    let boots: Int
    let figures: [BenchFigure]
    /// Whether no count and no size is over its bound.
    let passed: Bool

    init(_ session: BenchSession) throws {
        let info = session.machine ?? session.meter?.machine ?? session.wires?.machine
        machine = info?.name.string ?? ""
        processor = String(session.emulator.processor.prefix { $0 != "," })
        hypervisorVersion = info?.version.string ?? ""
        guestKernel = session.kernel
        boots = session.boots.count
        figures = try BenchFigure.all(session)
        passed = figures.allSatisfy { $0.ok || !$0.enforced }
    }

    func json() throws -> Data { try Self.json(self) }

    static func json(_ reports: some Encodable) throws -> Data {
        try Data((jsonText(reports) + "\n").utf8)
    }
}
