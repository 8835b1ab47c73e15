import Foundation
import Machines
import Testing

@testable import Installation

/// Install, update, confirm, go back, on a disk in memory.
@Suite final class SlotDiskTests {
    let folder = FileManager.default.temporaryDirectory.appending(path: "bulkhead-install-\(UUID().uuidString)")
    let bootManager: URL

    init() throws {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        bootManager = folder.appending(path: "boot.efi")
        try Data((0..<90_000).map { UInt8(truncatingIfNeeded: $0 &* 13) }).write(to: bootManager)
    }

    deinit { try? FileManager.default.removeItem(at: folder) }

    /// Content that differs from that of other numbers in each file.
    func content(_ number: Int, size: Int = 40_000) throws -> SlotContent {
        func file(_ name: String, _ count: Int) throws -> URL {
            let url = folder.appending(path: "\(name)-\(number)")
            try Data((0..<count).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ number &* 31) }).write(to: url)
            return url
        }
        return SlotContent(
            BootVolumeImage(
                hypervisor: try file("efi", 30_000), manifest: [UInt8(number), 2, 3],
                images: [.init(path: "kernels/vmlinux", source: try file("kernel", size))]))
    }

    func disk(_ number: Int = 1) throws -> MemoryDisk {
        let disk = MemoryDisk(size: 20 << 20)
        try SlotDisk.create(on: disk, try content(number), bootManager: bootManager)
        return disk
    }

    func read(_ disk: MemoryDisk, _ slot: Slot, _ path: String) throws -> Data? {
        try SlotDisk(disk).volumes[slot]?.withCopy { image in
            let copy = self.folder.appending(path: "copy-\(UUID().uuidString)")
            guard (try? Tool.run("mcopy", ["-n", "-i", image, "::/\(path)", copy.path])) != nil else { return nil }
            return try Data(contentsOf: copy)
        }
    }

    /// What the boot manager does before a start of slot b.
    /// - Parameter count: its name's new count.
    func start(_ disk: MemoryDisk, _ count: String) throws {
        let volume = try #require(try SlotDisk(disk).volumes[.b])
        try volume.change(.add) { image in
            let folder = "::/\(LoaderEntry.folder)", old = try #require(try SlotDisk.entries(image).first?.name)
            let stem = try #require(old.split(separator: "+").first)
            try Tool.run("mren", ["-i", image, "\(folder)/\(old)", "\(folder)/\(stem)+\(count).conf"])
        }
    }

    /// What lies behind the end that a slot's list knows is read far enough to be seen.
    @Test func aFileThatIsLonger() throws {
        let disk = try disk(), path = "BULKHEAD/kernels/vmlinux"
        let longer = try #require(try read(disk, .a, path)) + [0], file = folder.appending(path: "longer")
        try longer.write(to: file)
        try SlotDisk(disk).volumes[.a]?.change(.add) { image in
            try Tool.run("mcopy", ["-o", "-i", image, file.path, "::/\(path)"])
        }
        #expect(try SlotDisk(disk).states()[0].isWhole == false)
    }

    @Test func install() throws {
        let disk = try disk()
        let states = try SlotDisk(disk).states()
        #expect(
            states[0].entry == LoaderEntry(.a, version: 1, tries: nil) && states[0].isWhole == true && states[0].isNext)
        #expect(states[1].entry == nil && states[1].isWhole == nil && !states[1].isNext)
        #expect(try read(disk, .a, "EFI/BOOT/BOOTX64.EFI") == Data(contentsOf: bootManager))
        #expect(try read(disk, .a, "BULKHEAD/manifest.cbor") == Data([1, 2, 3]))
        #expect(try read(disk, .a, "BULKHEAD/kernels/vmlinux")?.count == 40_000)
        #expect(try read(disk, .a, LoaderEntry.program)?.count == 30_000)
    }

    @Test func updatesAlternate() throws {
        let disk = try disk()
        #expect(try SlotDisk(disk).update(try content(2), tries: 3) == .b)
        var states = try SlotDisk(disk).states()
        #expect(
            states[1].entry == LoaderEntry(.b, version: 2, tries: 3) && states[1].isNext && states[1].isWhole == true)
        // Nobody has seen it run yet.
        #expect(throws: MachineError.self) { try SlotDisk(disk).confirm() }
        try start(disk, "2-1")
        #expect(try SlotDisk(disk).confirm().slot == .b)
        states = try SlotDisk(disk).states()
        #expect(states[1].entry == LoaderEntry(.b, version: 2, tries: nil) && states[1].isNext)
        #expect(try SlotDisk(disk).update(try content(3), tries: 3) == .a)
        states = try SlotDisk(disk).states()
        #expect(states[0].entry?.version == 3 && states[0].isNext && states[0].isWhole == true)
        #expect(try read(disk, .a, "BULKHEAD/manifest.cbor") == Data([3, 2, 3]))
        #expect(try read(disk, .b, "BULKHEAD/manifest.cbor") == Data([2, 2, 3]))
        // The boot manager has stayed.
        #expect(try read(disk, .a, "EFI/BOOT/BOOTX64.EFI") == Data(contentsOf: bootManager))
        #expect(try SlotDisk(disk).rollback() == .b)
        #expect(try SlotDisk(disk).states()[1].isNext)
    }

    /// A slot that is spent gives way, and the next update replaces it.
    @Test func aSlotWithoutTriesGivesWay() throws {
        let disk = try disk()
        try SlotDisk(disk).update(try content(2), tries: 0)
        #expect(try SlotDisk(disk).states().map(\.isNext) == [true, false])
        #expect(try SlotDisk(disk).update(try content(3), tries: 3) == .b)
        #expect(try read(disk, .b, "BULKHEAD/manifest.cbor") == Data([3, 2, 3]))
    }

    /// On its last start a slot is spent already when it is found healthy; and to go back means to the older one, whichever is
    /// started next.
    @Test func theLastStart() throws {
        let disk = try disk()
        try SlotDisk(disk).update(try content(2), tries: 3)
        try start(disk, "0-3")
        #expect(try SlotDisk(disk).states().map(\.isNext) == [true, false])
        let spent = MemoryDisk(disk.content)
        // It may run, or the machine may have gone back already: the disk is the same.
        #expect(throws: MachineError.self) { try SlotDisk(disk).confirm() }
        #expect(try SlotDisk(spent).confirm(.a).slot == .a)
        #expect(try SlotDisk(spent).states().map(\.isNext) == [true, false])
        #expect(try SlotDisk(disk).confirm(.b).slot == .b)
        #expect(try SlotDisk(disk).states().map(\.isNext) == [false, true])
        #expect(try SlotDisk(spent).rollback() == .a)
        #expect(try SlotDisk(spent).states().map(\.isNext) == [true, false])
        #expect(try SlotDisk(spent).states()[0].entry == LoaderEntry(.a, version: 3, tries: nil))
    }

    /// A slot that was tried in vain is not what is kept, not even where the one that runs has a changed byte.
    @Test func aSpentSlotIsNotWhatIsKept() throws {
        let disk = try disk(), other = folder.appending(path: "other")
        try SlotDisk(disk).update(try content(2), tries: 3)
        try start(disk, "0-3")
        try Data([1]).write(to: other)
        try SlotDisk(disk).volumes[.a]?.change(.add) {
            try Tool.run("mcopy", ["-o", "-i", $0, other.path, "::/BULKHEAD/kernels/vmlinux"])
        }
        let states = try SlotDisk(disk).states()
        #expect(states[0].isWhole == false && states[0].isNext && states[1].isWhole == true)
        #expect(states.kept == nil && states.target == .b)
        #expect(try SlotDisk(disk).update(try content(3), tries: 3) == .b)
        #expect(try SlotDisk(disk).states()[0].entry == LoaderEntry(.a, version: 1, tries: nil))
    }

    /// The confirmed slot is all that a machine can go back to: nothing but `confirm` of the other one gives it up.
    @Test func anotherUpdateReplacesTheOneThatIsTried() throws {
        let disk = try disk()
        #expect(try SlotDisk(disk).update(try content(2), tries: 3) == .b)
        #expect(try SlotDisk(disk).states().target == .b && SlotDisk(disk).states().loss.contains("never confirmed"))
        #expect(try SlotDisk(disk).update(try content(3), tries: 3) == .b)
        try start(disk, "2-1")
        #expect(try SlotDisk(disk).update(try content(4), tries: 3) == .b)
        let states = try SlotDisk(disk).states()
        #expect(states[0].entry == LoaderEntry(.a, version: 1, tries: nil) && states[0].isWhole == true)
        #expect(
            states[1].entry == LoaderEntry(.b, version: 4, tries: 3) && states[1].isWhole == true && states[1].isNext)
        #expect(try read(disk, .a, "BULKHEAD/manifest.cbor") == Data([1, 2, 3]))
        // Nor does going back lead to what nobody has confirmed.
        try SlotDisk(disk).rollback()
        #expect(try SlotDisk(disk).states().map(\.isNext) == [true, false])
        #expect(throws: MachineError.self) { try SlotDisk(disk).rollback() }
    }

    /// What a stick has lost is noticed when it is written, not when it is to boot.
    @Test func aDiskThatForgets() throws {
        let bad = MemoryDisk(size: 20 << 20)
        bad.good = 5 << 20
        #expect(throws: MachineError.self) {
            try SlotDisk.create(on: bad, try self.content(1), bootManager: self.bootManager)
        }
        let disk = try disk()
        // Behind the tables and the folders of slot b.
        disk.good = (10 << 20) + 100_000
        #expect(throws: MachineError.self) { try SlotDisk(disk).update(try self.content(2), tries: 3) }
        #expect(try SlotDisk(disk).states()[0].isNext)
    }

    @Test func refusals() throws {
        let disk = try disk()
        let before = disk.content
        #expect(throws: MachineError.self) { try SlotDisk(disk).update(try self.content(2, size: 8 << 20), tries: 3) }
        #expect(throws: MachineError.self) { try SlotDisk(disk).rollback() }
        #expect(disk.content == before)
        let small = MemoryDisk(size: 4 << 20)
        #expect(throws: MachineError.self) {
            try SlotDisk.create(on: small, try self.content(1), bootManager: self.bootManager)
        }
        #expect(small.content == Data(count: 4 << 20))
        #expect(throws: MachineError.self) { try SlotDisk(MemoryDisk(size: 8 << 20)) }
    }

    /// At whatever sector of an update the power fails, the machine boots a slot that is whole: the old one or the new one.
    @Test func aLossOfPowerAtAHundredMoments() throws {
        let start = try disk()
        try SlotDisk(start).update(try content(2), tries: nil)
        try SlotDisk(start).confirm(.b)
        // Slot a, beside the boot manager, is the one that is replaced.
        let updated = MemoryDisk(start.content)
        try SlotDisk(updated).update(try content(3), tries: 3)
        let journal = updated.journal
        #expect(journal.count > 120 && journal.allSatisfy { $0.data.count == 512 })
        var generator = SystemRandomNumberGenerator()
        let random = (0..<journal.count).shuffled(using: &generator).prefix(99)
        // The last sector of all is the one that makes the new slot known, or behind it.
        var versions: Set<Int> = []
        for moment in random + [journal.count] {
            let disk = MemoryDisk(start.content)
            for write in journal.prefix(moment) { try disk.write(write.offset, write.data) }
            let next = try #require(
                try SlotDisk(disk).states().first { $0.isNext },
                "nothing boots after \(moment) of \(journal.count) sectors")
            #expect(next.isWhole == true, "slot \(next.slot) after \(moment) of \(journal.count) sectors")
            versions.insert(next.entry?.version ?? 0)
        }
        #expect(versions == [2, 3])
    }

    /// Nor does it touch what it need not, and it can be made again from wherever it stopped.
    @Test(arguments: [0.1, 0.5, 0.9]) func anUpdateCanBeMadeAgain(part: Double) throws {
        let disk = try disk()
        try SlotDisk(disk).update(try content(2), tries: nil)
        try SlotDisk(disk).confirm(.b)
        let whole = MemoryDisk(disk.content)
        try SlotDisk(whole).update(try content(3), tries: 3)
        disk.sectorsLeft = Int(Double(whole.sectorsWritten) * part)
        #expect(throws: PowerLost.self) { try SlotDisk(disk).update(try self.content(3), tries: 3) }
        disk.sectorsLeft = nil
        #expect(try read(disk, .a, "EFI/BOOT/BOOTX64.EFI") == Data(contentsOf: bootManager))
        #expect(try SlotDisk(disk).update(try content(4), tries: 3) == .a)
        #expect(try SlotDisk(disk).states()[0].isWhole == true)
        #expect(try read(disk, .a, "BULKHEAD/manifest.cbor") == Data([4, 2, 3]))
    }
}
