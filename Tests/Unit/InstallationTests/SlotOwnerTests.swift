import Foundation
import Machines
import Testing

@testable import Installation

/// A system that carries its owner's key gives way to no unsigned one.
@Suite final class SlotOwnerTests {
    let disks: SlotDiskTests

    init() throws { disks = try SlotDiskTests() }

    /// Content with a hypervisor that carries a key of these bytes; nil: none.
    func content(_ number: UInt8, owner: UInt8?, mayBeUnsigned: Bool = false) throws -> SlotContent {
        SlotContent(try volume(number, owner: owner), mayBeUnsigned: mayBeUnsigned)
    }

    func volume(_ number: UInt8, owner: UInt8?) throws -> BootVolumeImage {
        var program = Data(repeating: number, count: 8192)
        program.replaceSubrange(0x40..<0x48, with: Data("PE\0\0d\u{06}".utf8) + Data([2, 0]))
        program.replaceSubrange(0x90..<0x94, with: Data([0, 0x20, 0, 0]))
        if let owner { program = try OwnerSection.add([UInt8](repeating: owner, count: 52), to: program) }
        let file = disks.folder.appending(path: "program-\(number)-\(owner ?? 0)")
        try program.write(to: file)
        return BootVolumeImage(hypervisor: file, manifest: [number], images: [])
    }

    @Test func aDisk() throws {
        let disk = MemoryDisk(size: 20 << 20), bootManager = disks.bootManager
        try SlotDisk.create(on: disk, try content(1, owner: 7), bootManager: bootManager)
        #expect(try SlotDisk(disk).states().map(\.owner) == [[UInt8](repeating: 7, count: 52), nil])
        let before = disk.content
        #expect(throws: MachineError.self) { try SlotDisk(disk).update(try self.content(2, owner: nil), tries: 3) }
        #expect(throws: MachineError.self) {
            try SlotDisk.create(on: disk, try self.content(2, owner: nil), bootManager: bootManager)
        }
        #expect(disk.content == before)
        do {
            try SlotDisk(disk).update(try content(2, owner: nil), tries: 3)
        } catch {
            #expect("\(error)".contains("slot a") && "\(error)".contains("--keys"))
        }
        // Signed by this owner, by another (after `keys rotate`), and unsigned on purpose.
        let states = try SlotDisk(disk).states()
        #expect(try !states.changesOwner(to: content(3, owner: 7)) && states.changesOwner(to: content(3, owner: 8)))
        #expect(try SlotDisk(disk).update(try content(3, owner: 8), tries: nil) == .b)
        try SlotDisk(disk).confirm(.b)
        #expect(throws: MachineError.self) { try SlotDisk(disk).update(try self.content(4, owner: nil), tries: 3) }
        #expect(try SlotDisk(disk).update(try content(4, owner: nil, mayBeUnsigned: true), tries: 3) == .a)
        try SlotDisk.create(on: disk, try content(5, owner: nil, mayBeUnsigned: true), bootManager: bootManager)
        // What never was signed needs no word.
        #expect(try SlotDisk(disk).update(try content(6, owner: nil), tries: 3) == .b)
    }

    @Test func besideAnotherSystem() throws {
        let system = try SystemSlotsTests()
        _ = try system.slots().install(content(1, owner: 7), isDefault: false)
        let before = try system.snapshot()
        #expect(throws: MachineError.self) { try system.slots().update(self.content(2, owner: nil)) }
        #expect(try system.snapshot() == before)
        #expect(try system.slots().update(content(2, owner: 7)) == .b)
        #expect(try system.slots().update(content(3, owner: nil, mayBeUnsigned: true)) == .b)
    }

    @Test func aFolder() throws {
        let folder = disks.folder.appending(path: "volume")
        try volume(1, owner: 7).writeFolder(folder)
        #expect(throws: MachineError.self) { try self.volume(2, owner: nil).writeFolder(folder) }
        #expect(OwnerSection.key(of: folder.appending(path: "EFI/BOOT/BOOTX64.EFI")) != nil)
        try volume(2, owner: 8).writeFolder(folder)
        try volume(3, owner: nil).writeFolder(folder, mayBeUnsigned: true)
        #expect(OwnerSection.key(of: folder.appending(path: "EFI/BOOT/BOOTX64.EFI")) == nil)
        try volume(4, owner: nil).writeFolder(folder)
    }
}
