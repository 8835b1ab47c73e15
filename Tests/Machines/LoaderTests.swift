import Control
import Foundation
import Machines
import TestKit
import Testing

extension MachineTests {
    /// A guest that is the loader of its partition, as an image would be that took it over: it has the images, read-only, and
    /// one hypercall, and nothing else than any guest. Its neighbour notices nothing.
    @Suite(.serialized, .stopsMachines) struct HostileLoader {
        nonisolated(unsafe) static let shared = Result {
            try AdversaryMachine(manifest: "loader", faults: true, Workspace.current())
        }
        let arena: AdversaryMachine

        init() throws { arena = try unsafe Self.shared.get() }

        @Test func itHasItsImagesAndOneCallUntilItMakesIt() throws {
            let loading = try arena.info("hostile")
            #expect(loading.state == .starting && loading.starts == 0)
            let first = arena.hostile.lines.count
            arena.hostile.type(line: "loader")
            try arena.hostile.wait(for: "@done", from: first, seconds: 90)
            let lines = arena.hostile.lines[first...]
            for seen in [
                "loader-image seen=elf", "loader-writes seen=0-kept,512-pages", "loader-beyond seen=512-ones,0-data",
                "loader-calls seen=8186-unknown,0-other,zero-unknown",
                "loader-finished seen=none,again-unknown,refused-unknown",
                "loader-calls-after seen=8190-unknown,0-other,zero-unknown", "loader-gone seen=0-words,no-images",
                "own-program seen=unchanged",
            ] {
                #expect(lines.contains("@attempt \(seen)"), "\(seen): \(lines.joined(separator: "\n"))")
            }
            let running = try arena.info("hostile")
            #expect(running.state == .running && running.starts == 1)
            try expectNeighbourGoesOn()
        }

        /// What it can do is end, in words.
        @Test(arguments: [
            ("loader:refuse", StateCause.badImage, "the loader failed on the image"),
            ("triple", .badImage, "the loader failed on the image"),
            ("loader:fetch", .violation, "an instruction fetch outside its memory"),
        ]) func itEndsItsPartition(_ attack: String, _ cause: StateCause, _ words: String) throws {
            try restart()
            let starts = try arena.info("hostile").starts
            let logged = arena.machine.console.lines.count
            arena.hostile.type(line: attack)
            try arena.hostile.exchange()
            try arena.wait(for: .crashed, "hostile")
            let crashed = try arena.info("hostile")
            // An image that is refused is no start; one that did harm in its loader is.
            #expect(crashed.cause == cause && crashed.starts == starts + (cause == .badImage ? 0 : 1))
            let line = try arena.machine.wait(for: words, from: logged, seconds: 10).line
            #expect(line.hasPrefix("bulkhead: partition hostile"), "\(line)")
            try expectNeighbourGoesOn()
        }

        @Test func itIsStopped() throws {
            try restart()
            #expect(try arena.info("hostile").state == .starting)
            try arena.client.change(.stop, "hostile")
            try arena.wait(for: .stopped, "hostile")
            try expectNeighbourGoesOn()
        }

        private func restart() throws {
            if try arena.info("hostile").state == .starting { return }
            if try arena.info("hostile").state == .running {
                try arena.client.change(.stop, "hostile")
                try arena.wait(for: .stopped, "hostile")
            }
            let first = arena.hostile.lines.count
            try arena.client.change(.start, "hostile")
            try arena.hostile.wait(for: "@ready", from: first, seconds: 60)
        }

        private func expectNeighbourGoesOn(_ location: SourceLocation = #_sourceLocation) throws {
            #expect(try arena.neighbourProblems().isEmpty, sourceLocation: location)
            #expect(arena.hypervisorFaults == 0, sourceLocation: location)
        }
    }
}
