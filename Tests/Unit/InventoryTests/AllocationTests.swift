import Control
import Foundation
import Manifest
import ManifestFile
import ManifestRules
import Testing

@testable import Inventory

/// What can be divided: from the hypervisor, from Linux, through JSON, and what a manifest's check makes of it.
@Suite struct AllocationTests {
    /// A Sapphire Rapids of four cores, as the hypervisor answers.
    private func items(_ machine: [UInt64]) -> [InventoryItem] {
        func processor(_ values: [UInt64]) -> InventoryItem { InventoryItem(.processor, values) }
        return [InventoryItem(.machine, machine)] + (0..<4).map { InventoryItem(.core, [$0, 0, $0, 0, $0]) } + [
            processor([0, 0, 0x20, 0x756E_6547, 0x6C65_746E, 0x4965_6E69]),
            processor([7, 0, 0, 1 << 15 | 1 << 12, 0, 0]),
            processor([4, 0, 0x4121, 0x02C0_003F, 63, 0]), processor([4, 1, 0x0400_C163, 0x0380_003F, 2047, 0]),
            processor([0x10, 0, 0, 0xA, 0, 0]), processor([0x10, 1, 0xE, 0x6000, 4, 0xE]),
            processor([0x10, 3, 0x59, 0, 4, 0xE]), processor([0xF, 0, 0, 0xFF, 0, 2]),
            processor([0xF, 1, 8, 0x1_0000, 0xFF, 3]),
            // "Intel(R) Xeon(R)  Gold 6454S", spaces before and between as processors have them.
            processor([0x8000_0002, 0, 0x2020_2020, 0x6574_6E49, 0x2952_286C, 0x6F65_5820]),
            processor([0x8000_0003, 0, 0x2952_286E, 0x6F47_2020, 0x3620_646C, 0x5334_3534]),
        ]
    }

    private func manifest(_ keys: String) throws -> Manifest {
        let text = """
            name: machine
            housekeeping: 0
            partitions:
              - {name: work, cores: [1], memory: 64M, image: k, \(keys)}
            """
        return try parseManifest(text, file: "m.yaml", images: .unchecked)
    }

    @Test func theHypervisorsAnswerIsShownAndChecked() throws {
        let found = Inventory(name: "m", items([1, 4 << 30, 0, 63, 0]))
        #expect(found.allocation?.l3 == .init(ways: 15, sharedWays: 0x6000, classes: 15, gaps: false))
        #expect(found.allocation?.l2 == nil && found.allocation?.monitors == 0xFF)
        #expect(found.allocation?.bandwidth == .init(unit: "percent", least: 10, most: 100, classes: 15))
        #expect(found.memoryKeys == 63 && found.memoryKeyProblem == nil)
        #expect(found.processor == "Intel(R) Xeon(R) Gold 6454S")
        for words in [
            "L3: 15 ways, 15 classes; 2 ways are filled by devices too", "memory bandwidth: 10% to 100%, 15 classes",
            "counted for each partition: occupancy, total", "memory keys: 63",
        ] { #expect(found.text.contains(words), "\(found.text)") }
        let copy = try Inventory(json: Data(found.json.utf8))
        #expect(copy == found && copy.allocation?.capabilities.l3 == found.allocation?.capabilities.l3)
        #expect(copy.facts.lastLevelCaches[3] == 0)
        #expect(try copy.refusal(of: manifest("cache: {l3: 13 ways}, memory-key: required")) == nil)
        #expect(
            try copy.refusal(of: manifest("cache: {l3: 14 ways}"))
                == "partition \"work\" asks for 14 ways of the level 3 cache; 13 are left together")
        #expect(
            try copy.refusal(of: manifest("cache: {l2: 1 way}"))?.contains("level 2 cache, which this machine") == true)
    }

    @Test func whyThereAreNoKeysIsSaid() throws {
        let found = Inventory(name: "m", items([1, 4 << 30, 0, 0, 3]))
        let copy = try Inventory(json: Data(found.json.utf8))
        #expect(
            try copy.refusal(of: manifest("memory-key: required"))
                == "partition \"work\" requires a memory key; the firmware has not activated them (TME_ACTIVATE, MSR 982h); "
                + "its set-up may have a switch")
        #expect(try copy.refusal(of: manifest("memory-key: preferred")) == nil)
        // An older hypervisor does not say: then nothing is refused.
        let older = Inventory(name: "m", items([1, 4 << 30]))
        #expect(try older.memoryKeys == nil && older.refusal(of: manifest("memory-key: required")) == nil)
    }

    @Test func theWatchIsNotThereOnIntel() throws {
        var found = Inventory(name: "m", items([1, 4 << 30]))
        let watched = try manifest("watch: {kernel: freeze}")
        found.processor = "AMD EPYC 9654 96-Core Processor"
        #expect(found.refusal(of: watched) == nil)
        found.processor = "Intel(R) Xeon(R) Gold 6454S"
        #expect(found.refusal(of: watched) == "the watch over kernels is not there for Intel's processors yet")
        #expect(try found.refusal(of: manifest("memory-key: none")) == nil)
        (found.processor, found.iommus) = (nil, [Inventory.Unit(kind: "vt-d", name: nil, registers: nil)])
        #expect(found.refusal(of: watched) != nil)
    }

    @Test func linuxTellsItWhereItIsMounted() throws {
        let root = FileManager.default.temporaryDirectory.appending(path: "bulkhead-resctrl-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: root) }
        func file(_ path: String, _ text: String) throws {
            let file = root.appending(path: "sys/fs/resctrl/info/\(path)")
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data((text + "\n").utf8).write(to: file)
        }
        // A tree knows where its root is from the first look on.
        var tree: FileTree { FileTree(root: root.path) }
        #expect(Inventory.Allocation(linux: tree, ["cat_l3"]) == nil, "there, but not mounted: not known")
        #expect(Inventory.Allocation(linux: tree, [])?.l3 == nil)
        #expect(Inventory.Allocation(linux: tree, []) != nil, "known to have nothing")
        try file("L3/cbm_mask", "7ff")
        try file("L3/shareable_bits", "600")
        try file("L3/num_closids", "16")
        try file("MB/bandwidth_gran", "10")
        try file("MB/min_bandwidth", "10")
        try file("MB/delay_linear", "1")
        try file("MB/num_closids", "8")
        try file("L3_MON/num_rmids", "144")
        try file("L3_MON/mon_features", "llc_occupancy\nmbm_total_bytes")
        let found = try #require(Inventory.Allocation(linux: tree, ["cat_l3"]))
        #expect(found.l3 == .init(ways: 11, sharedWays: 0x600, classes: 16, gaps: false) && found.l2 == nil)
        #expect(found.bandwidth == .init(unit: "percent", least: 10, most: 100, classes: 8))
        #expect(found.monitors == 143 && found.counters == ["occupancy", "total"])
        #expect(found.capabilities.bandwidthLimit == 90)
        // Delays that are no percentages are promised by nobody, as the hypervisor has it; AMD's are amounts.
        try file("MB/delay_linear", "0")
        #expect(Inventory.Allocation(linux: tree, ["cat_l3"])?.bandwidth == nil)
        #expect(
            Inventory.Allocation(linux: tree, ["cat_l3"], isAMD: true)?.bandwidth
                == .init(unit: "GB/s", least: 0.125, most: 255.875, classes: 8))
    }
}
