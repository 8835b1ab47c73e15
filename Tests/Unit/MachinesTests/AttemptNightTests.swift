import Foundation
import Testing

@testable import Machines
@testable import TestKit

/// What the suites make at night alone: only where the emulator takes long, and never all of a group.
@Suite struct AttemptNightTests {
    @Test(arguments: MachineKind.allCases) func eachGroupHasARunByDay(_ kind: MachineKind) throws {
        let runs = try AttemptTable(Workspace.current(), for: kind).runs
        #expect(runs.contains(where: \.isNightly) == (kind == .intel))
        let day = Set(runs.filter { !$0.isNightly }.map(\.group))
        for run in runs where run.isNightly { #expect(day.contains(run.group), "\(run): \(run.group)") }
    }

    /// AMD's machine makes by day what Intel's leaves to the night, unless it has no such thing.
    @Test func whatIntelLeavesToTheNightIsMadeByDayOnTheOther() throws {
        let workspace = try Workspace.current()
        let day = Set(try AttemptTable(workspace, for: .amd).runs.filter { !$0.isNightly }.map(\.command))
        for run in try AttemptTable(workspace, for: .intel).runs where run.isNightly {
            #expect(day.contains(run.command), "\(run)")
        }
    }

    /// What goes through VMX's own controls, bitmaps and exits stays by day, with its expectations that are Intel's.
    @Test(arguments: [
        "memory", "residue", "cpuid", "instructions", "registers", "steps", "stepping", "msrs", "reserved", "ports",
        "port-strings", "apic", "ipis", "own-ipis", "tables", "firmware", "hypercalls", "calls", "operands", "triple",
        "task-switch", "memory:fetch@above", "reset:triple", "reset:init-self", "reset:init-all",
        "reset:init-broadcast",
        "reset:startup-self", "spin:cli", "spin:hlt", "wedge:sipi-anywhere", "storm:ipi", "link-self-check-flood",
    ])
    func whatIsVMXOwnStaysByDay(_ command: String) throws {
        let runs = try AttemptTable(Workspace.current(), for: .intel).runs
        #expect(try #require(runs.first { $0.command == command }).isNightly == false)
    }

    /// Of the ends of channels the other way round: what comes, what is sent, what changes meanwhile, and a port.
    @Test func someAreMadeFromTheOtherEndOfAChannelToo() throws {
        let runs = try AttemptTable(Workspace.current(), for: .amd).runs.filter { $0.again != nil }
        #expect(runs.map(\.command) == ["wire:receiving", "wire:frames", "wire:changes", "port:opens"])
        #expect(runs.allSatisfy { $0.again == .turnedWire && $0.setup == .wire && !$0.isNightly })
    }

    @Test func everyModeStaysByDay() throws {
        let modes = try AttemptTable(Workspace.current(), for: .intel).runs.filter { $0.command.hasPrefix("mode:") }
        #expect(modes.count == 15 && modes.allSatisfy { !$0.isNightly })
    }

    @Test func groupsAreTheCommandsFamilies() throws {
        let runs = try AttemptTable(Workspace.current(), for: .intel).runs
        func group(_ command: String) throws -> String { try #require(runs.first { $0.command == command }).group }
        #expect(try group("memory:read@4g") == "memory, deadly, containment, memory")
        #expect(try group("link-long-name") == "management link, link, containment, link")
        #expect(try group("own-ipis") == "interrupts, probe, containment, ")
    }
}
