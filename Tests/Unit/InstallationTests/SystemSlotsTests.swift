import Foundation
import Machines
import Testing

@testable import Installation

/// Two slots beside another system, and the firmware's variables in a folder, which efibootmgr changes.
@Suite final class SystemSlotsTests {
    let tree: SystemPartitionTests, contents: SlotDiskTests

    init() throws {
        (tree, contents) = (try SystemPartitionTests(), try SlotDiskTests())
        for folder in ["EFI/BULKHEAD", "BULKHEAD"] {
            try FileManager.default.removeItem(at: tree.esp.appending(path: folder))
        }
        try makeEntries()
    }

    /// As the firmware has them: making one by efibootmgr takes a disk that Linux knows.
    private func makeEntries() throws {
        try tree.variable(
            "Boot0001", tree.option("Bulkhead a", tree.own, "\\EFI\\BULKHEAD\\a\\BULKHEAD.EFI", tree.wide("a")))
        try tree.variable(
            "Boot0002", tree.option("Bulkhead b", tree.own, "\\EFI\\BULKHEAD\\b\\BULKHEAD.EFI", tree.wide("b")))
        try tree.variable("Boot0007", tree.option("debian", tree.own, "\\EFI\\debian\\shimx64.efi"))
        try tree.variable("BootOrder", [7, 0])
    }

    func slots() throws -> SystemSlots { SystemSlots(try SystemPartition(tree.esp.path, root: tree.root.path)) }

    /// What the firmware starts now; nil: the other system. It removes `BootNext` first (UEFI 2.10, section 3.1.1).
    @discardableResult
    func start() throws -> Slot? {
        let system = try slots().system, variables = try #require(system.variables())
        let name = tree.root.path + BootEntries.folder + "/BootNext-8be4df61-93ca-11d2-aa0d-00e098032b8c"
        try? FileManager.default.removeItem(atPath: name)
        let number = try #require(variables.next ?? variables.order.first)
        return Slot.allCases.first { system.numbers($0).contains(number) }
    }

    @Test func anUpdateIsStartedOnce() throws {
        #expect(try slots().install(contents.content(1), isDefault: false) == [])
        #expect(try slots().states().map(\.isWhole) == [true, nil])
        #expect(try start() == .a && start() == nil)
        #expect(throws: MachineError.self) { try self.slots().install(self.contents.content(1), isDefault: false) }
        #expect(try slots().update(contents.content(2)) == .b)
        #expect(try slots().states().map(\.isWhole) == [true, true])
        let manifest = try Data(contentsOf: tree.esp.appending(path: "BULKHEAD/b/manifest.cbor"))
        #expect(manifest == Data([2, 2, 3]))
        // Not before it has been started, and then by name: the disk does not tell what runs.
        #expect(throws: MachineError.self) { try self.slots().confirm(.b) }
        #expect(try start() == .b && start() == nil)
        #expect(throws: MachineError.self) { try self.slots().confirm(nil) }
        #expect(try slots().states().kept == .a)
        #expect(try slots().confirm(.b).isConfirmed)
        let states = try slots().states()
        #expect(try states.kept == .b && states.target == .a && slots().isHealthy(states))
        #expect(try slots().rollback() == .a)
        #expect(try start() == .a && start() == nil)
        #expect(try slots().states().kept == .a)
    }

    @Test func aDefaultThatFallsBack() throws {
        _ = try slots().install(contents.content(1), isDefault: true)
        #expect(try start() == .a && start() == .a)
        try slots().update(contents.content(2))
        #expect(try start() == .b && start() == .a)
        // Once more, and it stays.
        #expect(try slots().update(contents.content(3)) == .b)
        #expect(try start() == .b)
        try slots().confirm(.b)
        #expect(try start() == .b && slots().system.variables()?.order == ["0002", "0007"])
        try slots().rollback()
        #expect(try start() == .a && slots().system.variables()?.order == ["0001", "0007"])
        #expect(try slots().system.uninstall() == [])
        #expect(try slots().states().map(\.isWhole) == [nil, nil] && start() == nil)
        #expect(try #require(slots().system.variables()).entries.map(\.number) == ["0007"])
    }

    /// At whatever moment the power fails, the firmware's next two starts lead to a slot that is whole or to the other system, and
    /// what it starts from then on is a slot that was confirmed.
    @Test func aLossOfPowerAtAHundredMoments() throws {
        _ = try slots().install(contents.content(1), isDefault: true)
        try slots().update(contents.content(2))
        try start()
        try slots().confirm(.b)
        let kept = tree.root.appendingPathExtension("kept"), files = FileManager.default
        try files.copyItem(at: tree.root, to: kept)
        defer { try? files.removeItem(at: kept) }
        func run(_ what: (SystemSlots) throws -> Void, until moment: Int) throws -> Int {
            try files.removeItem(at: tree.root)
            try files.copyItem(at: kept, to: tree.root)
            var slots = try slots(), count = 0
            slots.pieceSize = 512
            slots.willChange = { _ in
                if count >= moment { throw PowerLost() }
                count += 1
            }
            do { try what(slots) } catch is PowerLost {}
            return count
        }
        let steps: [(SystemSlots) throws -> Void] = [
            { try $0.update(self.contents.content(3)) }, { try $0.rollback() },
        ]
        var generator = SystemRandomNumberGenerator()
        for step in steps {
            let all = try run(step, until: .max)
            for moment in (0..<all).shuffled(using: &generator).prefix(100) {
                _ = try run(step, until: moment)
                for number in 1...2 {
                    let slot = try #require(try start(), "the other system after \(moment) of \(all)")
                    let state = try #require(try slots().states().first { $0.slot == slot })
                    #expect(state.isWhole == true, "start \(number) after \(moment) of \(all)")
                    if number > 1 { #expect(state.entry?.isConfirmed == true, "start \(number) after \(moment)") }
                }
                // And it can be made again from there.
                if moment % 10 == 0 { try slots().update(contents.content(4)) }
            }
        }
    }

    /// All that is there, by path.
    func snapshot() throws -> [String: Data] {
        var all: [String: Data] = [:]
        for case let file as URL in FileManager.default.enumerator(at: tree.root, includingPropertiesForKeys: nil)
            ?? .init()
        {
            all[file.path] = (try? Data(contentsOf: file)) ?? Data()
        }
        return all
    }

    /// Neither where it is known before, nor where it comes while writing.
    @Test func aFullVolume() throws {
        _ = try slots().install(contents.content(1), isDefault: true)
        let large = contents.folder.appending(path: "large")
        try Data().write(to: large)
        let handle = try FileHandle(forWritingTo: large)
        try handle.truncate(atOffset: 1 << 42)
        try handle.close()
        let content = SlotContent(
            BootVolumeImage(hypervisor: large, manifest: [1], images: []))
        let before = try snapshot()
        #expect(throws: MachineError.self) { try self.slots().update(content) }
        #expect(try snapshot() == before)
        var slots = try slots(), writes = 0
        slots.willChange = { what in
            guard what.hasPrefix("write") else { return }
            writes += 1
            if writes == 3 { throw MachineError.program("write", status: ENOSPC, output: what) }
        }
        #expect(throws: MachineError.self) { try slots.update(self.contents.content(2)) }
        #expect(try self.slots().states().map(\.isWhole) == [true, nil] && start() == .a)
    }

    @Test func withoutVariables() throws {
        try FileManager.default.removeItem(at: tree.root.appending(path: "sys/firmware"))
        let notes = try slots().install(contents.content(1), isDefault: false)
        #expect(notes.count == 1 && notes[0].contains("-l '\\EFI\\BULKHEAD\\a\\BULKHEAD.EFI' -u a"), "\(notes)")
        let before = try snapshot()
        #expect(throws: MachineError.self) { try self.slots().update(self.contents.content(2)) }
        #expect(try snapshot() == before)
    }

    @Test func aChangedFile() throws {
        _ = try slots().install(contents.content(1), isDefault: true)
        let file = tree.esp.appending(path: "BULKHEAD/a/kernels/vmlinux")
        try Data([1]).write(to: file)
        let states = try slots().states()
        #expect(try states[0].isWhole == false && !slots().isHealthy(states))
        try FileManager.default.removeItem(at: file)
        #expect(try slots().states()[0].isWhole == false)
    }

    /// A slot is whole by files of its own, its program and its manifest among them.
    @Test func aListOfTheOtherSlotsFiles() throws {
        _ = try slots().install(contents.content(1), isDefault: true)
        let list = tree.esp.appending(path: "BULKHEAD/b/slot.txt"), files = FileManager.default
        try files.createDirectory(at: list.deletingLastPathComponent(), withIntermediateDirectories: true)
        try files.copyItem(at: tree.esp.appending(path: "BULKHEAD/a/slot.txt"), to: list)
        try Data("7\n".utf8).write(to: tree.esp.appending(path: "BULKHEAD/b/version.txt"))
        try Data().write(to: tree.esp.appending(path: "BULKHEAD/b/confirmed"))
        #expect(try slots().states().map(\.isWhole) == [true, false] && slots().states().kept == .a)
        // One file of its own, and nothing to start.
        try Data("0 0 BULKHEAD/b/confirmed\n".utf8).write(to: list)
        #expect(try slots().states()[1].isWhole == false)
        #expect(try slots().update(contents.content(2)) == .b)
        #expect(try slots().states().map(\.isWhole) == [true, true])
    }

    /// Each of them once, whatever the case: a large one is not read for each line of a list.
    @Test func aListThatHasAFileTwice() throws {
        _ = try slots().install(contents.content(1), isDefault: true)
        let list = tree.esp.appending(path: "BULKHEAD/a/slot.txt"), good = try Data(contentsOf: list)
        let lines = String(decoding: good, as: UTF8.self).split(separator: "\n")
        let line = try #require(lines.first { $0.hasSuffix("/vmlinux") })
        #expect(try slots().states()[0].isWhole == true)
        try (good + Data("\(line)\n".utf8)).write(to: list)
        #expect(try slots().states()[0].isWhole == false)
        let file = line.replacing("vmlinux", with: "VMLINUX")
        #expect(file != line)
        try FileManager.default.copyItem(
            at: tree.esp.appending(path: "BULKHEAD/a/kernels/vmlinux"),
            to: tree.esp.appending(path: "BULKHEAD/a/kernels/VMLINUX"))
        try (good + Data("\(file)\n".utf8)).write(to: list)
        #expect(try slots().states()[0].isWhole == false)
    }

    /// No more is read than a list or a version can have, and no more of an image than its list says: these are holes of 1 TiB.
    @Test(.timeLimit(.minutes(1)), arguments: ["slot.txt", "version.txt", "kernels/vmlinux"])
    func aFileWithoutAnEnd(_ name: String) throws {
        _ = try slots().install(contents.content(1), isDefault: true)
        let handle = try FileHandle(forWritingTo: tree.esp.appending(path: "BULKHEAD/a/\(name)"))
        try handle.truncate(atOffset: 1 << 40)
        try handle.close()
        let state = try slots().states()[0]
        #expect(name == "version.txt" ? state.entry == nil : state.isWhole == false)
    }

    /// The highest version there is, which somebody has written: it stops no update of its own slot, and what it does stop is said
    /// with what helps.
    @Test func theLastVersion() throws {
        func set(_ slot: Slot) throws {
            try Data("\(LoaderEntry.lastVersion)\n".utf8).write(
                to: tree.esp.appending(path: "BULKHEAD/\(slot.rawValue)/version.txt"))
        }
        _ = try slots().install(contents.content(1), isDefault: true)
        try slots().update(contents.content(2))
        try set(.b)
        #expect(try slots().update(contents.content(3)) == .b)
        #expect(try slots().states().map(\.entry?.version) == [1, 2])
        try set(.a)
        do {
            try slots().update(contents.content(4))
            Issue.record("there is no higher version")
        } catch MachineError.impossible(let words) {
            #expect(words.contains("uninstall --esp \(tree.esp.path)` and then `bulkhead install --esp"), "\(words)")
        }
        #expect(try slots().states().map(\.isWhole) == [true, true])
        #expect(try slots().system.uninstall() == [])
        try makeEntries()
        _ = try slots().install(contents.content(4), isDefault: true)
        #expect(try slots().update(contents.content(5)) == .b)
    }
}
