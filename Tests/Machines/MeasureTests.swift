import Foundation
import Testing
import UnitSupport

extension MachineTests {
    /// `bulkhead measure`, from its command line to the file that is sent in.
    @Suite(.serialized, .stopsMachines) struct Measurements {
        private struct Report: Decodable {
            struct Partition: Decodable { var name: String, demands: [String], memoryKey: String }
            struct Window: Decodable { var samples: Int }
            struct Run: Decodable {
                var label: String, about: String?, processor: String?, isEmulated: Bool, isHeld: Bool
                var partitions: [Partition], housekeepingDemands: [String]
                var alone: Window, beside: Window
            }
            var runs: [Run]
        }

        /// Two runs of one machine, as with masks and without.
        @Test(.nightly) func twoRunsAreOneReport() throws {
            let file = FileManager.default.temporaryDirectory.appending(path: "measure-\(UUID()).json")
            defer { try? FileManager.default.removeItem(at: file) }
            for label in ["masks", "no masks"] {
                let run = try ToolRun([
                    "measure", "--emulated", "--seconds", "4", "--label", label, "--report", file.path, "--about",
                    "firmware 1.2",
                ])
                try #require(run.status == 0, "\(run.output)\(run.errors)")
                #expect(run.output.contains("These numbers mean nothing"))
                #expect(run.output.contains("; firmware 1.2; Bulkhead "))
                #expect(run.output.contains("\n    measured: cache: {l3: 40%}, memory-key: preferred\n"))
            }
            let report = try JSONDecoder().decode(Report.self, from: Data(contentsOf: file))
            #expect(report.runs.map(\.label) == ["masks", "no masks"])
            for run in report.runs {
                #expect(run.isEmulated && run.isHeld && run.about == "firmware 1.2" && run.processor?.isEmpty == false)
                #expect(run.partitions.map(\.name) == ["measured", "pair"] && run.housekeepingDemands.isEmpty)
                #expect(run.partitions[0].demands == ["cache: {l3: 40%}", "memory-key: preferred"])
                // The emulator has no keys: preferred is none here.
                #expect(run.partitions.allSatisfy { $0.memoryKey == "none" })
                #expect(run.alone.samples > 0 && run.beside.samples > 0)
            }
            // A file that is no report is not written over, and no machine is booted for it.
            try Data("{}".utf8).write(to: file)
            let refused = try ToolRun(["measure", "--emulated", "--seconds", "4", "--report", file.path])
            #expect(refused.status == 1 && refused.errors.contains("is not a report"), "\(refused.errors)")
        }
    }
}
