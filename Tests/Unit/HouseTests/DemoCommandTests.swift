import Foundation
import Testing
import UnitSupport

/// What `bulkhead demo` refuses before anything is built or booted.
@Suite struct DemoCommandTests {
    private func demo(_ arguments: String...) throws -> ToolRun {
        try ToolRun(["demo"] + arguments, in: FileManager.default.temporaryDirectory)
    }

    @Test func anExampleThatIsNotThereIsAnsweredWithThoseThatAre() throws {
        let run = try demo("--example", "shared-nik")
        #expect(
            run.status == 64
                && run.errors.contains("there is no example shared-nik; there are: shared-nic, shared-disk, wireguard"))
    }

    @Test func anExampleHasItsOwnManifestAndDevices() throws {
        let both = try demo("--example", "wireguard", "--manifest", "x.yaml")
        #expect(both.status == 64 && both.errors.contains("--example has a manifest of its own"))
        let intel = try demo("--example", "shared-nic", "--machine", "intel")
        #expect(intel.status == 64 && intel.errors.contains("examples run on the emulated amd machine alone"))
    }

    @Test func onlyAnExampleStays() throws {
        let run = try demo("--headless", "--stay")
        #expect(run.status == 64 && run.errors.contains("--stay is for examples"))
    }

    @Test func helpTeachesTheExamples() throws {
        let help = try demo("--help")
        #expect(help.status == 0)
        for name in ["shared-nic: ", "shared-disk: ", "wireguard: ", "sealed-wire: ", "memory-channel: ", "control: "] {
            #expect(help.output.contains("  " + name))
        }
    }
}
