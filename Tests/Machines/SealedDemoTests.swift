import Foundation
import Machines
import Testing
import UnitSupport

extension MachineTests {
    /// The demo of two machines, by the very program that people run: it makes keys, TPMs, both boot volumes and the network itself.
    @Suite(.serialized, .nightly) struct ExampleSealedWire {
        @Test func twoMachinesTalkAndWhatIsBetweenThemReadsNothing() throws {
            let workspace = try Workspace.current()
            // Standard error is for what a person waits for; a pipe has room for all of it.
            let run = try ToolRun(
                ["demo", "--example", "sealed-wire", "--headless", "--for", "30m"], in: workspace.root)
            #expect(run.status == 0, "\(run.errors)")
            #expect(run.output.hasSuffix("\nall was seen\n"))
            let lines = run.output.split(separator: "\n").dropLast(), steps = Example.sealedWire.steps
            #expect(lines.count == steps.count)
            for (line, step) in zip(lines, steps) {
                #expect(line.hasPrefix("\(step.partition): \(step.meaning)  [\(step.line)"), "\(line)")
            }
            for name in ["sealed-wire", "sealed-wire-right"] {
                #expect(run.errors.contains("first start of \(name), without its secret"))
                #expect(run.errors.contains("sealing the secret to the TPM of \(name)"))
            }
            // The keys are gone, and the machines.
            let folder = try #require(run.errors.firstMatch(of: /secret in (\/\S+), which/)).1
            #expect(!FileManager.default.fileExists(atPath: String(folder)))
            for name in ["demo", "demo-right"] {
                let socket = workspace.cache.appending(path: "run/\(name)/link.sock")
                #expect(!FileManager.default.fileExists(atPath: socket.path))
            }
        }
    }
}
