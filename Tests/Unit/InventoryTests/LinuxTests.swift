import Foundation
import Manifest
import Testing

@testable import Inventory

@Suite struct LinuxTests {
    @Test func everything() throws {
        let tree = try RecordedTree()
        let found = Inventory(linux: tree.root)
        #expect(found.source == "linux" && found.name == "rack7.example.org" && found.processor == "Sample 8-thread")
        #expect(found.cores.map(\.index) == Array(0..<8))
        let last = try #require(found.cores.last)
        #expect(last.package == 1 && last.core == 1 && last.thread == 1 && last.apicId == 0x13)
        #expect(found.caches.count == 6)
        #expect(found.caches[0].type == "data" && found.caches[0].sizeBytes == 32 << 10 && found.caches[0].ways == 8)
        #expect(found.caches[0].cores == [0, 4])
        #expect(found.caches[5].level == 3 && found.caches[5].cores == [2, 3, 6, 7])
        #expect(found.memory.ranges.map(\.base) == [0x1000, 0x10_0000, 0x1_0000_0000])
        #expect(found.memory.installedBytes == 0x9_EC00 + 0xBFF0_0000 + 0x1_4000_0000)
        #expect(found.features == ["sme", "sev", "cat_l3", "cdp_l3", "mba"])
        #expect(found.iommus.map(\.kind) == ["amd-vi"] && found.iommus[0].name == "ivhd0" && found.usableIommu)
        // Segment 0 alone.
        #expect(found.functions.map(\.address) == ["00:00.0", "00:01.0", "01:00.0", "02:00.0", "02:00.1"])
        let igb = found.functions[2]
        #expect(igb.id == "8086:10c9" && igb.classCode == "020000" && igb.driver == "igb" && igb.group == "01:00.0")
        #expect(igb.resets == ["function-level", "bus"] && !igb.bridge)
        // Of the second's methods, one that boot does not use.
        #expect(found.functions[3].resets == ["power-state", "bus"])
        // The order is boot's.
        #expect(found.functions[3].facts?.reset == .bus && igb.facts?.reset == .functionLevel)
        #expect(igb.virtualFunctions?.total == 7 && igb.virtualFunctions?.offset == 128)
        #expect(igb.virtualFunctions?.stride == 2 && igb.virtualFunctions?.device == "10ca")
        // The seventh resource is no BAR.
        #expect(igb.bars.map(\.index) == [0, 2] && igb.bars.map(\.kind) == ["memory", "ports"])
        #expect(igb.bars.map(\.sizeBytes) == [0x20000, 32])
        #expect(found.functions[4].group == "02:00.0" && found.functions[1].bridge)
    }

    @Test func coresAreNumberedAsTheFirmwareDoes() throws {
        let tree = try RecordedTree()
        try tree.writeMADT([0, 1, 2, 3, 0x10, 0x11, 0x12, 0x13])
        let found = Inventory(linux: tree.root)
        #expect(found.cores.map(\.index) == Array(0..<8))
        #expect(found.cores.map { $0.apicId ?? 0 } == [0, 1, 2, 3, 0x10, 0x11, 0x12, 0x13])
        #expect(found.caches[0].cores == [0, 1] && found.caches[5].cores == [4, 5, 6, 7])
        #expect(found.coreNumbers == "firmware" && found.offline == [8])
        // A table without one of them is of no use.
        try tree.writeMADT([0, 1])
        #expect(Inventory(linux: tree.root).caches[0].cores == [0, 4])
    }

    /// Without the firmware's table a core's number is Linux' own, also when processors before it are switched off, and it is
    /// said.
    @Test func coresBehindOneThatIsOffKeepTheirNumbers() throws {
        let tree = try RecordedTree()
        try tree.remove("sys/devices/system/cpu/cpu1/topology")
        let found = Inventory(linux: tree.root)
        #expect(found.cores.map(\.index) == [0, 2, 3, 4, 5, 6, 7])
        #expect(found.coreNumbers == "linux" && found.offline == [1, 8])
        #expect(found.text.contains("note: cores are numbered as Linux does (cpuN)"))
        #expect(found.text.contains("note: Linux has switched off its processors 1,8"))
        #expect(found.doubts(about: []).contains { $0.hasPrefix("cores are numbered as Linux does") })
    }

    @Test func twoKindsOfCores() throws {
        let tree = try RecordedTree()
        try tree.write("sys/devices/cpu_core/cpus", "0-3\n")
        try tree.write("sys/devices/cpu_atom/cpus", "4-7\n")
        let found = Inventory(linux: tree.root)
        #expect(
            found.cores.map(\.kind) == Array(repeating: "performance", count: 4)
                + Array(repeating: "efficiency", count: 4))
        #expect(found.text.contains("APIC ID  KIND") && found.text.contains("efficiency"))
    }

    @Test func namesOfDevices() throws {
        let tree = try RecordedTree()
        let list = """
            # a comment
            144d  Samsung Electronics Co Ltd
            \ta808  NVMe SSD Controller SM981/PM981/PM983
            \t\t144d a801  SSD 970 EVO
            8086  Intel Corporation
            \t10c9  82576 Gigabit Network Connection
            C 01  Mass storage controller
            \t06  SATA controller

            """
        try tree.write("usr/share/misc/pci.ids", list)
        let found = Inventory(linux: tree.root)
        let names = Dictionary(uniqueKeysWithValues: found.functions.map { ($0.address, $0.name) })
        #expect(names["01:00.0"] == "Intel Corporation 82576 Gigabit Network Connection")
        #expect(names["02:00.0"] == "Samsung Electronics Co Ltd NVMe SSD Controller SM981/PM981/PM983")
        // The vendor alone, where the device is not listed; nothing without a vendor.
        #expect(names["02:00.1"] == "Samsung Electronics Co Ltd")
        #expect(names["00:00.0"] == .some(nil))
        #expect(found.text.contains("82576 Gigabit Network Connection"))
    }

    @Test func withoutIOMMUAndRights() throws {
        let tree = try RecordedTree()
        try tree.remove("sys/class/iommu/ivhd0")
        try tree.write("proc/iomem", "00000000-00000000 : System RAM\n")
        for address in ["00:00.0", "00:01.0", "01:00.0", "02:00.0", "02:00.1"] {
            try tree.remove("sys/bus/pci/devices/0000:\(address)/iommu_group")
        }
        let found = Inventory(linux: tree.root)
        #expect(!found.usableIommu && found.iommus.isEmpty)
        #expect(found.memory.ranges.isEmpty && found.memory.installedBytes == 8_000_000 * 1024)
        #expect(found.functions.allSatisfy { $0.group == nil })
        #expect(found.iommuProblem == "the firmware lists none")
        #expect(found.doubts(about: ["01:00.0"]).count == 5)
        // One that Linux has not switched on is one.
        try tree.write("sys/firmware/acpi/tables/DMAR", "")
        #expect(Inventory(linux: tree.root).iommus.map(\.kind) == ["vt-d"])
    }

    /// Where configuration space can be read, groups follow from it by the hypervisor's rules: behind a root port
    /// without access control, all is one group.
    @Test(arguments: [false, true]) func groupsAreComputed(hasAccessControl: Bool) throws {
        let tree = try RecordedTree()
        for address in ["00:00.0", "00:01.0", "01:00.0", "02:00.0", "02:00.1"] {
            try tree.remove("sys/bus/pci/devices/0000:\(address)/iommu_group")
            var config = [UInt8](repeating: 0, count: 4096)
            func put(_ offset: Int, _ bytes: [UInt8]) {
                config.replaceSubrange(offset..<offset + bytes.count, with: bytes)
            }
            put(0, [0x86, 0x80, 0x01, 0x00])
            put(6, [0x10])
            put(0x34, [0x40])
            put(0x40, [0x10, 0, address == "00:01.0" ? 0x42 : 0x02])
            if address == "00:01.0" {
                put(0x0E, [1])
                put(0x18, [0, 1, 1])
                put(0x0A, [4, 6])
                if hasAccessControl { put(0x100, [0x0D, 0, 1, 0]) }
            }
            try tree.write("sys/bus/pci/devices/0000:\(address)/config", config)
        }
        let found = Inventory(linux: tree.root)
        let igb = try #require(found.functions.first { $0.address == "01:00.0" })
        #expect(igb.group == (hasAccessControl ? "01:00.0" : "00:01.0"))
        #expect(igb.virtualFunctions?.group == (hasAccessControl ? nil : "00:01.0"))
        // No bridge leads to bus 2, as far as this tree says.
        #expect(found.functions.last?.group == nil)
    }

    @Test func emptyFolder() {
        let found = Inventory(linux: "/nonexistent")
        #expect(found.cores.isEmpty && found.functions.isEmpty && found.memory.installedBytes == 0)
    }

    @Test func jsonAndText() throws {
        let tree = try RecordedTree()
        let found = Inventory(linux: tree.root)
        let json = try found.json
        #expect(try Inventory(json: Data(json.utf8)) == found)
        for key in ["\"apic_id\" : 19", "\"usable_iommu\" : true", "\"virtual_functions\" : {", "\"class_code\""] {
            #expect(json.contains(key), "\(key)")
        }
        for words in [
            "rack7.example.org, Sample 8-thread: as Linux sees it", "L3", "16 MiB", "2-3,6-7",
            "01:00.0   8086:10c9  020000  01:00.0  function-level,bus  ?           7", "igb", "NVMe",
            "IOMMUs: amd-vi ivhd0",
            "sme, sev, cat_l3",
        ] { #expect(found.text.contains(words), "\(words)\n\(found.text)") }
    }
}
