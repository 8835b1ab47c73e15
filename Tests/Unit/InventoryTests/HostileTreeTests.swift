import Foundation
import Testing

@testable import Inventory

/// A recorded tree, or a file of an inventory, that anybody may have made.
@Suite struct HostileTreeTests {
    /// Numbers that no machine has are numbers all the same.
    @Test func largeNumbers() throws {
        let tree = try RecordedTree()
        let cache = "sys/devices/system/cpu/cpu0/cache/index3"
        for (path, text) in [
            ("\(cache)/level", "0xffffffffffffffff\n"), ("\(cache)/ways_of_associativity", "18446744073709551615\n"),
            ("sys/devices/system/cpu/cpu0/topology/core_id", "9223372036854775807\n"),
            ("sys/devices/system/cpu/cpu1/topology/physical_package_id", "-9223372036854775808\n"),
            ("sys/devices/system/cpu/cpu9223372036854775807/topology/core_id", "0\n"),
            ("proc/iomem", "00001000-ffffffffffffffff : System RAM\n"),
            ("proc/meminfo", "MemTotal: 18446744073709551615 kB\n"),
            ("sys/bus/pci/devices/0000:01:00.0/sriov_totalvfs", "18446744073709551615\n"),
            ("sys/bus/pci/devices/0000:01:00.0/resource", "0x0 0xffffffffffffffff 0x200\n"),
            ("sys/firmware/memmap/0/type", "System RAM\n"), ("sys/firmware/memmap/0/start", "0x0\n"),
            ("sys/firmware/memmap/0/end", "0xffffffffffffffff\n"),
        ] { try tree.write(path, text) }
        let inventory = Inventory(linux: tree.root)
        #expect(!inventory.text.isEmpty && !ResourceCheck(inventory: inventory).requirements.isEmpty)
        _ = Doctor(linux: tree.root)
    }

    @Test func muchMemory() throws {
        let tree = try RecordedTree()
        var inventory = Inventory(linux: tree.root)
        inventory.memory.installedBytes = .max
        inventory.memory.ranges = [.init(base: 0, sizeBytes: .max), .init(base: .max, sizeBytes: .max)]
        #expect(ResourceCheck(inventory: inventory).requirements.contains { $0.found.contains("GiB") })
        #expect(!inventory.text.isEmpty)
        inventory.caches = [.init(level: .max, type: "data", sizeBytes: .max, ways: .max, cores: [.max, .min])]
        #expect(!inventory.text.isEmpty)
    }

    /// A set that is written over and over is no larger than one.
    @Test func setsOfProcessors() {
        #expect(processorSet("0-2,5") == [0, 1, 2, 5] && processorSet("3,1,1-2") == [1, 2, 3])
        #expect(processorSet("-5,9-3,x,0-99999999999,8192,70000").allSatisfy { $0 < 8192 })
        let long = String(repeating: "0-8191,", count: 100_000)
        #expect(processorSet(long).count == 8192)
    }

    /// A pipe would be waited for, and a device never ends.
    @Test(.timeLimit(.minutes(1))) func whatIsNoFile() throws {
        let tree = try RecordedTree()
        try tree.remove("proc/iomem")
        #expect(unsafe mkfifo(tree.root + "/proc/iomem", 0o600) == 0)
        try tree.remove("proc/meminfo")
        try tree.link("proc/meminfo", to: "/dev/zero")
        #expect(Inventory(linux: tree.root).memory.installedBytes == 0)
    }

    @Test func aFileWithTooMuch() throws {
        let tree = try RecordedTree()
        var inventory = Inventory(linux: tree.root)
        #expect(try Inventory(json: Data(inventory.json.utf8)) == inventory)
        inventory.cores = (0..<5000).map { .init(index: $0, package: 0, core: $0, thread: 0) }
        #expect(throws: DecodingError.self) { try Inventory(json: Data(inventory.json.utf8)) }
    }
}
