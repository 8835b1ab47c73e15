import Control
import Foundation
import KernelImages
import Machines
import Reports
import TestKit
import Testing
import Watch

extension MachineTests {
    /// Guests' kernels are attacked from within, by a driver of root's, on a machine whose partitions answer in different ways.
    @Suite(.serialized, .stopsMachines) struct Watched {
        nonisolated(unsafe) static let shared = Result {
            try output(of: Workspace.current().root.appending(path: "Guests/build-attack").path, [])
            let machine = try BootedMachine(manifest: "watch")
            for name in ["report", "freeze", "restart", "witness"] {
                try machine.guest(name).wait(for: "@bulkhead ready ", seconds: 180)
            }
            for name in ["report", "freeze", "restart"] { try Self.arm(machine.guest(name)) }
            return machine
        }
        static let symbols = Result {
            let file = try Workspace.current().guests.appending(path: "vmlinux-cloud")
            return try KernelImage(Data(contentsOf: file, options: .mappedIfSafe)).symbols
        }
        let machine: BootedMachine
        init() throws { machine = try unsafe Self.shared.get() }

        /// Loads the driver, and leaves a shell that tells it what to do.
        private static func arm(_ guest: ScriptedGuest, from first: Int = 0) throws {
            let count = guest.lines.count
            guest.type(line: "module attack")
            try guest.wait(for: "@bulkhead module result=0", from: count, seconds: 60)
            guest.type(line: "sh")
            try guest.wait(for: "Enter 'help'", from: count, seconds: 60)
            // What is typed before the shell reads is lost: it is asked until it answers.
            for _ in 0..<20 {
                guest.type(line: "echo @armed")
                for _ in 0..<10 {
                    try guest.exchange()
                    if guest.lines.dropFirst(count).contains(where: { $0.hasPrefix("@armed") }) { return }
                    Thread.sleep(forTimeInterval: 0.2)
                }
            }
            throw AdversaryError("the shell of \(guest.name) does not answer")
        }

        /// What is attacked, the name in the kernel's image that it is found by, and the rule that it breaks; nil where nothing
        /// stops it.
        private static let attacks: [(kind: String, symbol: String?, rule: WatchRule?)] = [
            ("text", "do_syslog", .text), ("rodata", "sys_call_table", .constants),
            ("idt", "idt_table", .interruptTable),
            ("wp", nil, .cr0), ("smep", nil, .cr4), ("smap", nil, .cr4), ("lstar", nil, .systemCallEntry),
            ("lidt", nil, .interruptRegister),
        ]
        /// What a guest does not outlive where it takes place.
        private static let deadly: [(kind: String, symbol: String?, rule: WatchRule?)] = [
            ("efer", nil, .efer), ("apic", nil, .apicBase),
        ]
        private static let unstopped: [(kind: String, symbol: String?)] = [
            ("data", "modprobe_path"), ("cred", nil), ("shellcode", nil), ("remap", "sys_call_table"),
        ]

        private func attack(_ partition: String, _ kind: String, _ symbol: String?) throws {
            let address = try symbol.map { name in try #require(Self.symbols.get()[name]) }
            let argument = kind + (address.map { " " + String($0, radix: 16) } ?? "")
            machine.guest(partition).type(line: "echo '\(argument)' > /sys/module/attack/parameters/run")
        }

        private func verdicts(_ partition: String, from start: Int) throws -> [ControlEvent] {
            try machine.events(of: partition, from: start).filter { $0.kind == .attack }
        }

        private func told(_ event: ControlEvent?) -> WatchRule? {
            event.flatMap { WatchRule(rawValue: UInt8(truncatingIfNeeded: $0.code)) }
        }

        @Test func aKernelIsLockedWhenItIsUpAndCostsNothingThen() throws {
            for name in ["report", "freeze", "restart", "witness"] {
                let info = try machine.info(name)
                #expect(info.watch == UInt64(WatchPhase.locked.rawValue), "\(name): \(info.watch)")
                var report = SelfCheckReport()
                report.add(name, info.cores.rawValue, try machine.client.selfCheck(name).vcpus)
                #expect(report.isGood, "\(report.text)")
            }
            let guest = machine.guest("witness"), count = guest.lines.count
            guest.type(line: "syscalls 3")
            try guest.wait(for: "@bulkhead phase name=syscalls", from: count, seconds: 60)
            Thread.sleep(forTimeInterval: 0.5)
            let before = try machine.exits("witness")
            Thread.sleep(forTimeInterval: 1)
            #expect(try machine.exits("witness") == before, "a locked kernel exits no more than another")
            let isOver = guest.lines.dropFirst(count).contains { $0.hasPrefix("@bulkhead phase-end") }
            #expect(!isOver, "and was at work meanwhile")
            try guest.wait(for: "@bulkhead phase-end", from: count, seconds: 60)
        }

        private func nestedPageFaults(_ partition: String) throws -> UInt64 {
            try machine.client.statistics(partition).vcpus.reduce(0) { $0 + $1[.nestedPageFault] }
        }

        @Test func whatTheKernelItselfPatchesIsNoAttack() throws {
            let guest = machine.guest("report"), before = try machine.info("report").watch
            let count = guest.lines.count, first = try nestedPageFaults("report")
            // A static key with jump labels in the scheduler's paths, on and off.
            for value in [1, 0] {
                guest.type(line: "echo \(value) > /proc/sys/kernel/sched_schedstats; echo @set \(value)")
            }
            try guest.wait(for: "@set 0", from: count, seconds: 60)
            #expect(try machine.info("report").watch == before)
            let exits = try nestedPageFaults("report") - first
            #expect(exits > 20, "its text was written: \(exits) exits")
        }

        @Test func whatIsReportedTakesPlace() throws {
            for (kind, symbol, rule) in Self.attacks {
                let start = try machine.events(of: "report", from: 0).isEmpty ? 0 : machine.events.count
                let guest = machine.guest("report"), count = guest.lines.count
                try attack("report", kind, symbol)
                let line = try wait(guest, for: "@attack \(kind) ", from: count)
                #expect(line.contains("stands=yes"), "\(line)")
                let found = try verdicts("report", from: start)
                #expect(told(found.first) == rule, "\(kind): \(found)")
            }
            #expect(try machine.info("report").state == .running)
        }

        @Test func whatIsFrozenDoesNotTakePlaceAndGoesOnWhenAManagerSaysSo() throws {
            for (kind, symbol, rule) in Self.attacks + Self.deadly {
                let start = machine.events.count
                let guest = machine.guest("freeze"), count = guest.lines.count
                try attack("freeze", kind, symbol)
                try exchange(guest, until: { try machine.info("freeze").state == .paused })
                #expect(try machine.info("freeze").cause == .attack)
                let found = try verdicts("freeze", from: start)
                #expect(found.count == 1 && told(found.first) == rule, "\(kind): \(found)")
                try machine.client.change(.resume, "freeze")
                let line = try wait(guest, for: "@attack \(kind) ", from: count)
                #expect(line.contains("stands=no"), "\(line)")
            }
        }

        @Test(arguments: ["text"] + Nightly.also(["lstar"])) func whatRestartsComesBackClean(_ kind: String) throws {
            let attack = try #require(Self.attacks.first { $0.kind == kind })
            let starts = try machine.info("restart").starts, start = machine.events.count
            let guest = machine.guest("restart"), count = guest.lines.count
            try self.attack("restart", attack.kind, attack.symbol)
            var before: UInt64 = 0
            try exchange(guest) {
                before = try nestedPageFaults("restart")
                let info = try machine.info("restart")
                return info.starts == starts + 1 && info.state == .running
            }
            try guest.wait(for: "@bulkhead ready ", from: count, seconds: 120)
            // It writes its memory as if nobody had been there before it: its predecessor's lock would step each write.
            let exits = try nestedPageFaults("restart") - before
            #expect(exits < 100, "\(exits) exits")
            #expect(told(try verdicts("restart", from: start).first) == attack.rule)
            let info = try machine.wait("restart", seconds: 60) { $0.watch & 0xFF == 2 }
            #expect(info.cause == .attack && info.watch >> 32 == 0)
            try Self.arm(guest)
        }

        @Test func whatItDoesNotStopIsKnown() throws {
            for (kind, symbol) in Self.unstopped {
                let before = try machine.info("report").watch
                let guest = machine.guest("report"), count = guest.lines.count
                try attack("report", kind, symbol)
                let line = try wait(guest, for: "@attack \(kind) ", from: count)
                #expect(line.contains("stands=yes"), "\(line)")
                #expect(try machine.info("report").watch == before)
            }
        }

        /// Root mode itself writes at addresses that the guest names: none of them is in a locked kernel.
        @Test func theHypervisorIsNoDeputy() throws {
            let before = try machine.info("report").watch
            let guest = machine.guest("report"), count = guest.lines.count
            try attack("report", "clock", "do_syslog")
            let line = try wait(guest, for: "@attack clock ", from: count)
            #expect(line.contains("stands=no"), "\(line)")
            #expect(try machine.info("report").watch == before)
        }

        /// An instruction that reads where no memory is and writes to text stands between the two tables that carry one of both out
        /// each: it is begun again and again, until a manager ends it.
        @Test func whatReadsTheBusAndWritesTextComesToNeither() throws {
            let guest = machine.guest("restart"), count = guest.lines.count, first = try nestedPageFaults("restart")
            try attack("restart", "bus", "do_syslog")
            try exchange(guest) { try nestedPageFaults("restart") > first + 10_000 }
            #expect(!guest.lines.dropFirst(count).contains { $0.contains("@attack bus ") })
            #expect(try machine.info("restart").watch >> 32 == 0)
            try machine.starting("restart", seconds: 120) { try machine.client.change(.restart, "restart") }
            _ = try machine.wait("restart", seconds: 60) { $0.watch & 0xFF == 2 }
            try Self.arm(guest)
        }

        /// A vCPU that is taken off and on again is armed anew. The first that it sees is a 32-bit program's call, by an instruction that
        /// lies in the kernel's constants, or the return from a call that the other one took.
        @Test(arguments: ["call32", "call64"]) func aVCPUThatIsArmedTakesEveryWay(_ program: String) throws {
            let guest = machine.guest("freeze"), count = guest.lines.count, before = try machine.info("freeze").watch
            guest.type(line: "/\(program); echo @called")
            try exchange(guest) { guest.lines.dropFirst(count).contains { $0.hasPrefix("@called") } }
            #expect(guest.lines.dropFirst(count).contains("@\(program) yes"), "\(guest.lines.dropFirst(count))")
            let info = try machine.info("freeze")
            #expect(info.watch == before && info.state == .running)
        }

        /// A kernel whose text stays writable: its system calls and returns are carried out one by one, and it comes up.
        @Test func aKernelThatIsNotReadOnlyRunsAllTheSame() throws {
            let guest = machine.guest("writable")
            let isOver = { (line: String) in line.contains("Kernel panic") }
            try exchange(guest) { guest.lines.contains { $0.hasPrefix("@bulkhead ready ") || isOver($0) } }
            #expect(!guest.lines.contains(where: isOver))
            let phase = WatchPhase(rawValue: UInt8(truncatingIfNeeded: try machine.info("writable").watch))
            #expect(phase == .waiting || phase == .notReadOnly, "\(String(describing: phase))")
            #expect(try machine.info("writable").state == .running)
        }

        /// What would leave a step without its trap, with pages of text that may be written behind it, ends the guest: the frame of an
        /// event, on one vCPU or on all, and another instruction that another vCPU puts there in time.
        @Test(arguments: [("restart", "frame"), ("freeze", "frames"), ("freeze", "race"), ("freeze", "int1")])
        func noStepIsLeftUnseen(_ name: String, _ kind: String) throws {
            let guest = machine.guest(name), count = guest.lines.count
            try attack(name, kind, "do_syslog")
            try exchange(guest) { try machine.info(name).state == .crashed }
            #expect(try machine.info(name).cause == .violation)
            #expect(!guest.lines.dropFirst(count).contains { $0.contains("@attack \(kind) stands=yes") })
            try machine.client.change(.start, name)
            try guest.wait(for: "@bulkhead ready ", from: count, seconds: 120)
            _ = try machine.wait(name, seconds: 60) { $0.watch & 0xFF == 2 }
            try Self.arm(guest)
        }

        @Test func theNeighbourNoticesNothing() throws {
            let info = try machine.info("witness")
            #expect(info.state == .running && info.starts == 1 && info.watch == UInt64(WatchPhase.locked.rawValue))
        }

        /// A line of the kernel's log, which begins with a time.
        private func wait(_ guest: ScriptedGuest, for words: String, from first: Int) throws -> String {
            var found: String?
            try exchange(guest) {
                found = guest.lines.dropFirst(first).first { $0.contains(words + "stands=") }
                return found != nil
            }
            return found ?? ""
        }

        private func exchange(_ guest: ScriptedGuest, until isSo: () throws -> Bool) throws {
            let deadline = machine.testbed.machine.deadline(seconds: 60)
            while true {
                try guest.exchange()
                if try isSo() { return }
                guard !deadline.isOver else {
                    throw AdversaryError("\(guest.name):\n\(guest.lines.suffix(20).joined(separator: "\n"))")
                }
                Thread.sleep(forTimeInterval: 0.02)
            }
        }
    }
}
