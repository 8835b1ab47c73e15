import Foundation
import Machines
import Testing

@testable import Installation

/// Nothing but somebody's word that a slot runs gives up the one before it; and a slot or a boot manager that was lost is said.
@Suite struct LastGoodSlotTests {
    let disks: SlotDiskTests
    init() throws { disks = try SlotDiskTests() }

    /// Never counted is not confirmed, however often it is written.
    @Test func updatesWithoutCounting() throws {
        let disk = try disks.disk()
        for number in 2...4 {
            #expect(try SlotDisk(disk).update(try disks.content(number), tries: nil) == .b)
            let states = try SlotDisk(disk).states()
            #expect(states.kept == .a && states[1].isNext && states[1].entry?.isUnseen == true)
            #expect(states.loss.contains("never confirmed"))
        }
        #expect(try SlotDisk(disk).states()[0].entry == LoaderEntry(.a, version: 1, tries: nil))
        // The disk cannot tell that it was started.
        #expect(throws: MachineError.self) { try SlotDisk(disk).confirm() }
        #expect(try SlotDisk(disk).confirm(.b).isConfirmed)
        #expect(try SlotDisk(disk).confirm().slot == .b)
        #expect(try SlotDisk(disk).update(try disks.content(5), tries: 3) == .a)
    }

    /// Confirmed before it was ever started: it is started always, but an update does not count on it.
    @Test func aConfirmBeforeTheFirstStart() throws {
        let disk = try disks.disk()
        try SlotDisk(disk).update(try disks.content(2), tries: 3)
        let unseen = try SlotDisk(disk).confirm(.b)
        #expect(unseen == LoaderEntry(.b, version: 2, tries: nil, isUnseen: true))
        var states = try SlotDisk(disk).states()
        #expect(states[1].isNext && states[1].entry == unseen && states.kept == .a && states.target == .b)
        #expect(SlotReport.line(states[1]).contains("never confirmed"))
        // Back, and forth again: still nobody has seen it.
        #expect(try SlotDisk(disk).rollback() == .a)
        #expect(try SlotDisk(disk).rollback() == .b)
        states = try SlotDisk(disk).states()
        #expect(states[1].entry?.isUnseen == true && states[1].isNext && states.kept == .a)
        #expect(try SlotDisk(disk).confirm(.b).isConfirmed)
        #expect(try SlotDisk(disk).states().kept == .b)
    }

    @Test func theBootManagerIsLookedAt() throws {
        let disk = try disks.disk(), other = disks.folder.appending(path: "other")
        #expect(try SlotDisk(disk).hasBootManager() == true)
        try Data([1, 2, 3]).write(to: other)
        let changes: [(String) throws -> Void] = [
            { try Tool.run("mcopy", ["-o", "-i", $0, other.path, "::/EFI/BOOT/BOOTX64.EFI"]) },
            { try Tool.run("mdel", ["-i", $0, "::/EFI/BOOT/BOOTX64.EFI"]) },
            { try Tool.run("mdeltree", ["-i", $0, "::/EFI/BOOT"]) },
            { try Tool.run("mcopy", ["-o", "-i", $0, other.path, "::/loader/bulkhead.txt"]) },
        ]
        for change in changes {
            let damaged = MemoryDisk(disk.content)
            try SlotDisk(damaged).volumes[.a]?.change(.add, change)
            #expect(try SlotDisk(damaged).hasBootManager() == false)
            let before = damaged.content
            #expect(throws: MachineError.self) {
                try SlotDisk(damaged).update(try self.disks.content(2), tries: 3)
            }
            #expect(damaged.content == before)
            try SlotDisk(damaged).update(try disks.content(2), tries: 3, bootManager: disks.bootManager)
            #expect(try SlotDisk(damaged).hasBootManager() == true)
            #expect(try SlotDisk(damaged).states().map(\.isWhole) == [true, true])
        }
        // A disk that was made before there was a list.
        try SlotDisk(disk).volumes[.a]?.change(.remove) {
            try Tool.run("mdel", ["-i", $0, "::/loader/bulkhead.txt"])
        }
        #expect(try SlotDisk(disk).hasBootManager() == nil)
    }

    /// What a confirm or a return writes is cut at each of its sectors: what starts next is whole, and no file's clusters are
    /// free for others.
    @Test(arguments: ["confirm", "confirm twice", "rollback"]) func aLossOfPower(_ what: String) throws {
        let start = try disks.disk()
        try SlotDisk(start).update(try disks.content(2), tries: 3)
        try disks.start(start, "2-1")
        if what != "confirm" { try SlotDisk(start).confirm() }
        if what == "confirm twice" {
            try SlotDisk(start).update(try disks.content(3), tries: nil)
        }
        let old = try #require(try SlotDisk(start).states().first(where: \.isNext)?.entry)
        let changed = MemoryDisk(start.content)
        if what == "rollback" { try SlotDisk(changed).rollback() } else { try SlotDisk(changed).confirm(old.slot) }
        let new = try #require(try SlotDisk(changed).states().first(where: \.isNext)?.entry)
        #expect(new != old && changed.journal.count > 4)
        var seen: [LoaderEntry] = []
        for moment in 0...changed.journal.count {
            let disk = MemoryDisk(start.content)
            for write in changed.journal.prefix(moment) { try disk.write(write.offset, write.data) }
            let states = try SlotDisk(disk).states()
            let next = try #require(states.first { $0.isNext }, "nothing boots after \(moment) sectors")
            #expect(next.isWhole == true && states.allSatisfy { $0.isWhole == true }, "after \(moment) sectors")
            if let entry = next.entry, seen.last != entry { seen.append(entry) }
            for (slot, volume) in try SlotDisk(disk).volumes {
                let problems = FATCheck(disk.content[Int(volume.range.lowerBound)..<Int(volume.range.upperBound)])
                    .problems
                #expect(problems == [], "slot \(slot) after \(moment) sectors")
            }
            // Made again from there, it ends as it should.
            if what == "rollback" || moment % 4 != 0 { continue }
            #expect(try SlotDisk(disk).confirm(old.slot).isConfirmed)
        }
        #expect(seen == [old, new])
    }
}
