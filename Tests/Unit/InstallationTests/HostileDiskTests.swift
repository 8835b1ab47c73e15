import Foundation
import Machines
import Testing

@testable import Installation

/// Disks that anybody may have made.
@Suite struct HostileDiskTests {
    static let sectors: UInt64 = 40_960

    /// A disk with this table, its checksums right whatever it says.
    func disk(_ partitions: [GPT.Partition]) throws -> MemoryDisk {
        let disk = MemoryDisk(size: Int(Self.sectors) * 512)
        let (head, tail) = GPT(disk: UUID(), partitions: partitions).encoded(sectors: Self.sectors)
        try disk.write(0, head)
        try disk.write((Self.sectors - GPT.tailSectors) * 512, tail)
        return disk
    }

    func partition(_ name: String, _ sectors: ClosedRange<UInt64>) -> GPT.Partition {
        GPT.Partition(type: GPT.systemPartition, id: UUID(), sectors: sectors, name: name)
    }

    /// Ends beyond the disk or beyond numbers, in the partition table, in one another, twice there.
    @Test func partitionsThatCannotBe() throws {
        let good = partition("Bulkhead b", 20_000...30_000)
        for range in [2048...UInt64.max, 0...19_999, 33...19_999, 2048...Self.sectors, .max...(.max), 2048...20_000] {
            let disk = try disk([partition("Bulkhead a", range), good])
            #expect(throws: MachineError.self, "\(range)") { try SlotDisk(disk) }
        }
        let twice = try disk([
            partition("Bulkhead a", 2048...9999), partition("Bulkhead a", 10_000...19_999), good,
        ])
        #expect(throws: MachineError.self) { try SlotDisk(twice) }
        let shared = try disk([partition("Bulkhead a", 2048...9999), good, partition("home", 9000...12_000)])
        #expect(throws: MachineError.self) { try SlotDisk(shared) }
        _ = try SlotDisk(disk([partition("Bulkhead a", 2048...9999), good]))
        for size in [0, 1, 511, 512, 512 * 33, 512 * 67] {
            #expect(throws: MachineError.self) { try SlotDisk(MemoryDisk(size: size)) }
        }
    }

    /// Counts and sizes whose product no number holds.
    @Test func aTableThatLies() {
        let (head, _) = GPT(disk: UUID(), partitions: []).encoded(sectors: Self.sectors)
        for (at, value) in [(80, UInt32.max), (84, UInt32.max), (12, UInt32.max), (80, 129), (84, 0)] {
            var lying = head
            for index in 0..<4 { lying[512 + at + index] = UInt8(truncatingIfNeeded: value >> UInt32(8 * index)) }
            if at != 12 {
                lying.replaceSubrange(528..<532, with: Data(count: 4))
                let sum = CRC32.of(Data(lying[512..<604]))
                for index in 0..<4 { lying[528 + index] = UInt8(truncatingIfNeeded: sum >> UInt32(8 * index)) }
            }
            #expect(GPT(head: lying) == nil)
        }
        var both = head
        for at in 80..<88 { both[512 + at] = 0xFF }
        #expect(GPT(head: both) == nil)
    }

    /// Tables of a file system that would need more memory than there is, or lie behind its end.
    @Test func aFileSystemThatLies() throws {
        var sector = Data(count: 512)
        func set(_ at: Int, _ size: Int, _ value: Int) {
            for index in 0..<size { sector[at + index] = UInt8(truncatingIfNeeded: value >> (8 * index)) }
        }
        (sector[510], sector[511]) = (0x55, 0xAA)
        for (at, size, value) in [
            (11, 2, 512), (13, 1, 1), (14, 2, 1), (16, 1, 2), (17, 2, 512), (22, 2, 40), (32, 4, 10_000),
        ] {
            set(at, size, value)
        }
        let size = 10_000 * 512
        func layout() -> FATLayout? {
            FATLayout(size: size) { offset, count in
                #expect(offset >= 0 && count >= 0 && offset + count <= size, "\(offset), \(count)")
                return offset == 0 ? sector : Data(count: count)
            }
        }
        #expect(layout() != nil)
        let good = sector
        for (at, size, value) in [
            (32, 4, 0xFFFF_FFFF), (32, 4, 10_001), (22, 2, 0xFFFF), (14, 2, 0xFFFF), (16, 1, 255), (13, 1, 0),
            (17, 2, 0xFFFF),
            (22, 2, 1),
        ] {
            sector = good
            set(at, size, value)
            // Either it is none, or nothing is asked for beyond its end.
            if let layout = layout() { #expect(layout.isUsed.count < 10_000) }
        }
        sector = good
        set(22, 2, 0)
        set(36, 4, 0xFFFF_FFFF)
        set(17, 2, 0)
        #expect(layout() == nil)
        #expect(FATLayout(size: 100) { _, _ in Data() } == nil)
    }

    /// Small slots have 12 bits a cluster: two of them share a byte.
    @Test func twelveBits() throws {
        let image = FileManager.default.temporaryDirectory.appending(path: "bulkhead-fat12-\(UUID().uuidString)")
        let file = image.appendingPathExtension("file")
        defer { for place in [image, file] { try? FileManager.default.removeItem(at: place) } }
        try Data(count: 4 << 20).write(to: image)
        try Data((0..<5000).map { UInt8(truncatingIfNeeded: $0) }).write(to: file)
        try Tool.run("mformat", ["-i", image.path, "-c", "2", "::"])
        func layout() throws -> FATLayout {
            let content = try Data(contentsOf: image)
            return try #require(FATLayout(size: content.count) { content[$0..<min($0 + $1, content.count)] })
        }
        let empty = try layout()
        #expect(empty.isUsed.count < 4085 && !empty.isUsed.contains(true))
        // Five clusters; then every other one is free.
        for name in ["a", "b", "c"] { try Tool.run("mcopy", ["-i", image.path, file.path, "::/\(name)"]) }
        #expect(try layout().isUsed.prefix(16) == Array(repeating: true, count: 15)[...] + [false])
        try Tool.run("mdel", ["-i", image.path, "::/b"])
        let used = try layout().isUsed.prefix(16)
        #expect(
            used == ((0..<5).map { _ in true } + (0..<5).map { _ in false } + (0..<5).map { _ in true } + [false])[...])
        let start = try layout()
        #expect(start.part(at: start.dataStart + 5 * start.clusterSize) == .free)
        #expect(start.part(at: start.dataStart + 4 * start.clusterSize) == .other && start.part(at: 512) == .table)
    }

    /// A slot whose file system cannot be told is not written in just any order.
    @Test func aSlotWithoutAFileSystem() throws {
        let disk = try disk([partition("Bulkhead a", 2048...9999), partition("Bulkhead b", 20_000...30_000)])
        let volume = try #require(try SlotDisk(disk).volumes[.b]), before = disk.content
        #expect(throws: MachineError.self) {
            try volume.change(.add) { try Tool.run("mformat", ["-i", $0, "-c", "2", "::"]) }
        }
        #expect(disk.content == before)
    }

    /// A list of files cannot lead anywhere else.
    @Test func pathsInAList() {
        for path in ["BULKHEAD/manifest.cbor", "EFI/BULKHEAD/BULKHEAD.EFI", "BULKHEAD/a/b-c_d.img"] {
            #expect(SlotLine("0 5 \(path)")?.path == path)
        }
        for path in [
            "../etc/shadow", "/etc/shadow", "BULKHEAD/../../etc/shadow", "BULKHEAD/", "BULKHEAD", "BULKHEAD//x",
            "EFI/*", "EFI/?",
            "EFI/[a]", "EFI/a\\..\\b", "BULKHEAD/.x", "BULKHEAD/x\u{1B}[2J", "loader/entries/x", "", "BULKHEAD/x y",
        ] { #expect(SlotLine("0 5 \(path)") == nil, "\(path)") }
        for line in ["0 -1 EFI/x", "0 99999999999999999999 EFI/x", "0 4294967296 EFI/x", "100000000 5 EFI/x", "0 5"] {
            #expect(SlotLine(line) == nil, "\(line)")
        }
    }

    /// Versions and counts that no number holds.
    @Test func entriesThatLie() {
        let good = LoaderEntry(.a, version: 1, tries: nil)
        for version in ["9223372036854775807", "2147483648", "-1", "99999999999999999999"] {
            let content = good.content.replacing("version 1\n", with: "version \(version)\n")
            #expect(LoaderEntry(fileName: good.fileName, content: content) == nil, "\(version)")
        }
        for name in [
            "bulkhead-a+99999999999999999999.conf", "bulkhead-a+\u{663}.conf", "bulkhead-a+100.conf",
            "bulkhead-a+1-100.conf",
        ] {
            #expect(LoaderEntry(fileName: name, content: good.content) == nil, "\(name)")
        }
        let last = SlotDisk.State(
            slot: .a, entry: LoaderEntry(.a, version: LoaderEntry.lastVersion, tries: nil), isWhole: true, isNext: true)
        #expect(throws: MachineError.self) { try [last].nextVersion() }
    }

    @Test func whatIsOnADisk() throws {
        let empty = MemoryDisk(size: 20 << 20)
        #expect(try !DiskContent(empty).isForeign)
        // Btrfs, ZFS's second label, RAID's format 0.90, a second partition table.
        for place in [65_600, 500_000, 3 << 20, (20 << 20) - 65_536, (20 << 20) - 100] {
            let used = MemoryDisk(size: 20 << 20)
            try used.write(UInt64(place), Data([1]))
            #expect(try DiskContent(used).isForeign, "\(place)")
        }
        let names = try disk([partition("evil\u{1B}]0;x\u{7}", 2048...9999), partition("", 10_000...10_100)])
        let content = try DiskContent(names)
        #expect(content.words == "\"evil?]0;x?\", a partition without a name" && content.isForeign)
        // The first table is gone, the second one tells.
        try names.write(0, Data(count: 34 * 512))
        #expect(try DiskContent(names).words == content.words)
        #expect(try DiskContent(MemoryDisk(size: 100)).words == "nothing")
        let many = try disk(
            (0..<20).map { (number: UInt64) in
                let first = 2048 + number * 10
                return partition("p\(number)", first...first + 2)
            })
        #expect(try DiskContent(many).words.hasSuffix("\"p7\", 12 more"))
    }

    /// What somebody has put over a disk with slots, whose second table is still there, is not ours; a first table that is
    /// damaged is.
    @Test func aTableThatIsLeftBehind() throws {
        let partitions = [partition("Bulkhead a", 2048...9999), partition("Bulkhead b", 20_000...30_000)]
        for fill in [0x41, 0] as [UInt8] {
            let disk = try self.disk(partitions)
            try disk.write(0, Data(repeating: fill, count: 34 * 512))
            try disk.write(4096 * 512, Data([1]))
            #expect(try DiskContent(disk).isForeign, "\(fill)")
            #expect(throws: MachineError.self) { try SlotDisk(disk) }
        }
        let damaged = try disk(partitions)
        try damaged.write(512, Data(count: 512))
        #expect(try !DiskContent(damaged).isForeign)
        _ = try SlotDisk(damaged)
    }

    /// Others' partitions stay, with all that their entries say.
    @Test func slotsAreRemovedAlone() throws {
        let home = partition("home", 31_000...39_000)
        let disk = try disk([partition("Bulkhead a", 2048...9999), home, partition("Bulkhead b", 20_000...30_000)])
        // Bits of an entry that our table does not know.
        let mark = 1024 + 128 + 48
        var head = try disk.read(0, 34 * 512)
        head[mark] = 0x55
        head = try #require(GPTTests.sealed(head))
        try disk.write(0, head)
        let slots = try SlotDisk(disk)
        #expect(slots.hasOthers)
        try slots.remove()
        let tail = (Self.sectors - GPT.tailSectors) * 512
        for table in [GPT(head: try disk.read(0, 34 * 512)), GPT(tail: try disk.read(tail, 33 * 512))] {
            #expect(table?.partitions == [home])
        }
        #expect(disk.content[mark] == 0x55)
        #expect(throws: MachineError.self) { try SlotDisk(disk) }
        let alone = try self.disk([partition("Bulkhead a", 2048...9999), partition("Bulkhead b", 20_000...30_000)])
        try SlotDisk(alone).remove()
        #expect(alone.content == Data(count: Int(Self.sectors) * 512))
    }
}
