import Foundation
import Machines
import Testing

@testable import Installation

/// Beside another system: a recorded tree of Linux' files, and the firmware's variables in a folder, which efibootmgr changes.
@Suite final class SystemPartitionTests {
    let root = FileManager.default.temporaryDirectory.appending(path: "bulkhead-esp-\(UUID().uuidString)")
    let own = "11111111-2222-4333-8444-555555555555", other = "99999999-2222-4333-8444-555555555555"
    let program = "\\EFI\\BULKHEAD\\BULKHEAD.EFI"
    var esp: URL { root.appending(path: "boot/efi") }

    init() throws {
        try put("proc/self/mountinfo", "")
        try put("sys/devices/sda/sda1/partition", "1\n")
        try put("dev/sda1", "")
        try put("sys/firmware/efi/efivars/OsIndications-8be4df61-93ca-11d2-aa0d-00e098032b8c", "")
        for folder in ["boot/efi/EFI/BULKHEAD", "boot/efi/BULKHEAD", "dev/disk/by-partuuid", "sys/dev/block"] {
            try FileManager.default.createDirectory(at: root.appending(path: folder), withIntermediateDirectories: true)
        }
        for (link, target) in [
            ("sys/dev/block/8:1", "../../devices/sda/sda1"), ("dev/disk/by-partuuid/\(own.uppercased())", "../../sda1"),
            ("dev/disk/by-partuuid/\(other)", "../../sdb1"),
        ] {
            try FileManager.default.createSymbolicLink(
                atPath: root.appending(path: link).path, withDestinationPath: target)
        }
        try mount("")
    }

    deinit { try? FileManager.default.removeItem(at: root) }

    func put(_ path: String, _ text: String) throws { try put(path, Data(text.utf8)) }
    func put(_ path: String, _ data: Data) throws {
        let file = root.appending(path: path)
        try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try data.write(to: file)
    }

    func mount(_ before: String) throws {
        let line = "36 35 8:1 / \(esp.path.replacing(" ", with: "\\040")) rw,relatime shared:1 - vfat /dev/sda1 rw\n"
        try put("proc/self/mountinfo", before + line)
    }

    func variable(_ name: String, _ bytes: [UInt8]) throws {
        try put("sys/firmware/efi/efivars/\(name)-8be4df61-93ca-11d2-aa0d-00e098032b8c", Data([7, 0, 0, 0] + bytes))
    }

    func little(_ value: UInt64, _ size: Int) -> [UInt8] { (0..<size).map { UInt8(value >> UInt64(8 * $0) & 0xFF) } }
    func wide(_ text: String) -> [UInt8] { (Array(text.utf16) + [0]).flatMap { little(UInt64($0), 2) } }

    /// An EFI_LOAD_OPTION with a partition's and a file's node.
    func option(_ title: String, _ partition: String, _ path: String, _ options: [UInt8] = []) -> [UInt8] {
        let order = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15]
        let id = UUID(uuidString: partition) ?? UUID(), bytes = unsafe withUnsafeBytes(of: id.uuid) { unsafe Array($0) }
        let drive =
            [4, 1, 42, 0] + little(1, 4) + little(2048, 8) + little(100_000, 8) + order.map { bytes[$0] } + [2, 2]
        let file = [4, 4] + little(UInt64(4 + wide(path).count), 2) + wide(path)
        let nodes = drive + file + [0x7F, 0xFF, 4, 0]
        return little(1, 4) + little(UInt64(nodes.count), 2) + wide(title) + nodes + options
    }

    @Test func whichPartitionItIs() throws {
        let partition = SystemPartition.Partition(disk: "/dev/sda", number: 1, id: own)
        #expect(try SystemPartition(esp.path, root: root.path).partition == partition)
        // systemd's automounter has a line of its own for the same folder, before the mount or, under another one, alone.
        let automount = "30 25 0:36 / \(esp.path) rw,relatime shared:18 - autofs systemd-1 rw,fd=53\n"
        try mount(automount)
        #expect(try SystemPartition(esp.path, root: root.path).partition == partition)
        try put("proc/self/mountinfo", automount)
        #expect(try SystemPartition(esp.path, root: root.path).partition == nil)
    }

    /// By the partition and the program: a title is anybody's.
    @Test func whichEntryIsOurs() throws {
        try variable("Boot0001", option("Bulkhead", other, program))
        try variable("Boot0002", option("Bulkhead", own, "\\EFI\\debian\\shimx64.efi"))
        try variable("Boot0003", option("Something else", own, program.lowercased()))
        try variable("Boot0004", Array(option("Bulkhead", own, program).dropLast(30)))
        try variable("Boot0005", [])
        try variable("Boot000A", option("Bulkhead", own, program))
        try variable("BootOrder", [2, 0, 10, 0])
        try variable("BootNext", [10, 0])
        let entries = try #require(BootEntries(root.path + BootEntries.folder))
        #expect(entries.entries(of: own, path: program).map(\.number) == ["0003", "000A"])
        #expect(entries.order == ["0002", "000A"] && entries.next == "000A")
        // However it is cut or damaged, nothing is read beyond its end.
        let whole = option("Bulkhead", own, program)
        for count in 0..<whole.count { _ = BootEntries.target(Array(whole.prefix(count))) }
        for at in whole.indices {
            var damaged = whole
            damaged[at] = 0xFF
            _ = BootEntries.target(damaged)
        }
        #expect(BootEntries.target(whole)?.partition == own)
        // Firmware may write down how it reaches the disk: ACPI's root, a PCI function, SATA.
        let way: [UInt8] = [
            2, 1, 12, 0, 0xD0, 0x41, 3, 0x0A, 0, 0, 0, 0, 1, 1, 6, 0, 0, 0x17, 3, 18, 10, 0, 0, 0, 0, 0, 0, 0,
        ]
        let nodes = try #require(whole.firstRange(of: [4, 1, 42, 0]))
        let long = Array(whole[..<nodes.lowerBound]) + way + Array(whole[nodes.lowerBound...])
        var option = long
        let size = Int(whole[4]) + Int(whole[5]) << 8 + way.count
        (option[4], option[5]) = (UInt8(size & 0xFF), UInt8(size >> 8))
        #expect(BootEntries.target(option)?.partition == own && BootEntries.target(option)?.path == program)
    }

    /// Bulkhead takes its files from the slot whose letter it is told: an entry with another one starts a mixture.
    @Test func whichEntryStartsASlot() throws {
        let system = try SystemPartition(esp.path, root: root.path), program = "\\EFI\\BULKHEAD\\b\\BULKHEAD.EFI"
        let wrong: [[UInt8]] = [
            [], [0x61, 0], [0x62], [0x62, 0, 0], [0x62, 1], [0x42, 0], [0x62, 0, 0x61, 0], [0x62, 0, 0, 0, 0, 0],
            [0x62, 0, 0, 0x61], wide("b x"),
        ]
        for (at, options) in wrong.enumerated() {
            try variable("Boot00\(10 + at)", option("Bulkhead b", own, program, options))
        }
        #expect(system.numbers(.b) == [] && system.numbers(.a) == [])
        // A new one is made, which takes a disk that Linux knows.
        #expect(throws: MachineError.self) { try system.entry(.b) }
        try variable("Boot0030", option("Bulkhead b", own, program, [0x62, 0]))
        try variable("Boot0031", option("Bulkhead b", own, program, wide("b")))
        #expect(try system.numbers(.b) == ["0030", "0031"] && system.entry(.b) == "0030")
        // Neither slot's turn leaves one of the others where the firmware would start it. There is no Boot0001, and no Boot0009.
        try variable("Boot0007", option("debian", own, "\\EFI\\debian\\shimx64.efi"))
        try variable("BootOrder", [0x11, 0, 9, 0, 0x30, 0, 7, 0])
        try variable("BootNext", [0x12, 0])
        try system.leave(.a, for: .b)
        let variables = try #require(system.variables())
        // A file that is no variable keeps what a shorter value leaves of it.
        #expect(variables.order.prefix(2) == ["0030", "0007"] && !variables.order.contains("0011"))
        #expect(variables.next == nil)
        // All of them lead to what is removed.
        #expect(try system.uninstall() == [])
        #expect(system.variables()?.entries.map(\.number) == ["0007"])
    }

    /// In its order of entries the firmware passes over one that is switched off.
    @Test func anEntryThatIsSwitchedOff() throws {
        let system = try SystemPartition(esp.path, root: root.path), program = "\\EFI\\BULKHEAD\\a\\BULKHEAD.EFI"
        let on = option("Bulkhead a", own, program, wide("a"))
        try variable("Boot0001", [0] + on.dropFirst())
        #expect(system.variables()?.entries.map(\.isActive) == [false])
        #expect(try system.entry(.a) == "0001")
        #expect(system.variables()?.entries.map(\.isActive) == [true])
        try variable("Boot0001", [0] + on.dropFirst())
        try variable("Boot0002", on)
        #expect(try system.entry(.a) == "0002" && system.variables()?.entries.map(\.isActive) == [false, true])
    }

    @Test func uninstall() throws {
        try variable("Boot0001", option("Bulkhead", other, program))
        try variable("Boot0003", option("Bulkhead", own, program))
        try variable("BootOrder", [3, 0, 1, 0])
        try variable("BootNext", [3, 0])
        let system = try SystemPartition(esp.path, root: root.path)
        #expect(try system.uninstall() == [])
        let left = try #require(BootEntries(root.path + BootEntries.folder))
        #expect(left.entries.map(\.number) == ["0001"] && left.next == nil && !left.order.contains("0003"))
        #expect(!FileManager.default.fileExists(atPath: esp.appending(path: "EFI/BULKHEAD").path))
        #expect(!FileManager.default.fileExists(atPath: esp.appending(path: "BULKHEAD").path))
        #expect(throws: MachineError.self) { try system.uninstall() }
    }

    /// An entry that leads to nothing can keep a machine from starting.
    @Test func filesStayWhileTheEntryDoes() throws {
        try variable("Boot0003", option("Bulkhead", own, program))
        let file = "sys/firmware/efi/efivars/Boot0003-8be4df61-93ca-11d2-aa0d-00e098032b8c"
        var system = try SystemPartition(esp.path, root: root.path)
        system.changer = "false"
        #expect(throws: MachineError.self) { try system.uninstall() }
        #expect(FileManager.default.fileExists(atPath: root.appending(path: file).path))
        #expect(FileManager.default.fileExists(atPath: esp.appending(path: "BULKHEAD").path))
    }
}
