import Foundation
import ManifestFile
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

    /// What Linux's resctrl says, and the same in a file of an inventory.
    @Test(arguments: ["-9223372036854775808", "9223372036854775807", "-1", "0", "18446744073709551616", ""])
    func divisionOfCaches(_ number: String) throws {
        let tree = try RecordedTree(), info = "sys/fs/resctrl/info"
        for (path, text) in [
            ("L3/cbm_mask", "ffffffff"), ("L3/shareable_bits", number), ("L3/num_closids", number),
            ("L3/sparse_masks", number), ("L2/cbm_mask", number), ("L2/num_closids", number),
            ("MB/bandwidth_gran", "10"), ("MB/min_bandwidth", number), ("MB/delay_linear", "1"),
            ("MB/num_closids", number), ("L3_MON/num_rmids", number), ("L3_MON/mon_features", number),
        ] { try tree.write("\(info)/\(path)", text + "\n") }
        let found = try #require(
            Inventory.Allocation(linux: FileTree(root: tree.root), ["cat_l3", "cat_l2", "mba"]))
        #expect(found.monitors >= 0 && found.capabilities.l3.ways == 32)
        var inventory = Inventory(linux: tree.root)
        inventory.allocation = found
        #expect(!inventory.text.isEmpty)
    }

    private static let recorded = Result { Inventory(linux: try RecordedTree().root) }

    @Test(arguments: [Int.min, -1, 0, .max], [-1e300, 0, 0.3, 1e300])
    func divisionOfCachesInAFile(_ number: Int, _ amount: Double) throws {
        var inventory = try Self.recorded.get()
        for unit in ["percent", "GB/s"] {
            let cache = Inventory.Allocation.Cache(ways: number, sharedWays: .max, classes: number, gaps: true)
            var ways = cache
            ways.ways = 32
            inventory.allocation = Inventory.Allocation(
                l3: ways, l2: cache, bandwidth: .init(unit: unit, least: amount, most: amount, classes: number),
                monitors: number, counters: [unit])
            let copy = try Inventory(json: Data(inventory.json.utf8))
            #expect(copy.text.contains("memory bandwidth") && copy.facts.resources?.l3.ways == 32)
        }
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

    /// Links that stay below the root lead on, as `sys` is full of them; others show nothing of this machine.
    @Test func linksOutOfTheTree() throws {
        let tree = try RecordedTree(), outside = try RecordedTree()
        try outside.write("secret", "MemTotal: 4000000 kB\n")
        try outside.write("msr", "C0000080 D01\n")
        let good = Inventory(linux: tree.root)
        let place = try #require(good.functions.first).address
        try tree.remove("proc/iomem")
        for target in [outside.root + "/secret", "../../" + (outside.root as NSString).lastPathComponent + "/secret"] {
            try? tree.remove("proc/meminfo")
            try tree.link("proc/meminfo", to: target)
            #expect(FileManager.default.fileExists(atPath: tree.root + "/proc/meminfo"))
            #expect(Inventory(linux: tree.root).memory.installedBytes == 0, "\(target)")
        }
        try tree.write("proc/own", "MemTotal: 4000000 kB\n")
        try tree.remove("proc/meminfo")
        try tree.link("proc/meminfo", to: "own")
        #expect(Inventory(linux: tree.root).memory.installedBytes == 4_000_000 * 1024)
        // A folder, and a link below which another machine's lies.
        try tree.remove("sys/bus/pci/devices")
        try tree.link("sys/bus/pci/devices", to: outside.root + "/sys/bus/pci/devices")
        #expect(!Inventory(linux: tree.root).functions.contains { $0.address == place })
        let files = FileTree(root: tree.root)
        #expect(!files.exists("sys/bus/pci/devices/0000:01:00.0") && files.names("sys/bus/pci/devices").isEmpty)
        #expect(files.target("sys/bus/pci/devices/0000:01:00.0/driver") == nil)
        #expect(!files.exists("../../" + (outside.root as NSString).lastPathComponent + "/secret"))
        // Registers: text, and nothing else, of the tree alone.
        try tree.link("dev/cpu/0/msr", to: outside.root + "/msr", inFolder: true)
        #expect(RecordedRegisters(files).msr(0xC000_0080) == nil)
        try tree.remove("dev/cpu/0/msr")
        try tree.write("dev/cpu/0/msr", "C0000080 D01\n")
        #expect(RecordedRegisters(files).msr(0xC000_0080) == 0xD01)
    }

    /// Opening a device can rewind a tape, reset a modem or start a watchdog.
    @Test func devicesAreNotOpened() throws {
        let tree = try RecordedTree()
        try tree.write("dev/cpu/0/cpuid", "")
        let paths = ["proc/meminfo", "proc/iomem", "dev/cpu/0/msr", "dev/cpu/0/cpuid"]
        let watch = inotify_init1(Int32(IN_NONBLOCK))
        defer { close(watch) }
        for path in paths {
            try? tree.remove(path)
            #expect(unsafe mkfifo(tree.root + "/" + path, 0o600) == 0)
            #expect(unsafe inotify_add_watch(watch, tree.root + "/" + path, UInt32(IN_OPEN)) >= 0)
        }
        func wasOpened() -> Bool {
            var events = [UInt8](repeating: 0, count: 4096)
            // The buffer has 4,096 bytes.
            return unsafe events.withUnsafeMutableBytes { unsafe read(watch, $0.baseAddress, 4096) } > 0
        }
        _ = Doctor(linux: tree.root)
        #expect(RecordedRegisters(FileTree(root: tree.root)).msr(0xC000_0080) == nil)
        #expect(!wasOpened())
        // The watch does see it.
        close(unsafe open(tree.root + "/dev/cpu/0/msr", O_RDONLY | O_NONBLOCK))
        #expect(wasOpened())
    }

    @Test func aFileWithTooMuch() throws {
        let tree = try RecordedTree()
        var inventory = Inventory(linux: tree.root)
        #expect(try Inventory(json: Data(inventory.json.utf8)) == inventory)
        inventory.cores = (0..<5000).map { .init(index: $0, package: 0, core: $0, thread: 0) }
        #expect(throws: DecodingError.self) { try Inventory(json: Data(inventory.json.utf8)) }
    }
}
