import Control
import ControlClient
import Foundation
import Inventory
import Manifest
import PCI
import Testing

/// What the hypervisor answers, turned into the same schema as what Linux says.
@Suite struct LinkTests {
    static func item(_ kind: InventoryItem.Kind, _ values: UInt64...) -> InventoryItem {
        InventoryItem(kind, values)
    }

    static let items = [
        item(.machine, 1, 8 << 30, 0b10_0000_0011), item(.core, 0, 0, 0, 0, 0), item(.core, 1, 0, 0, 1, 1),
        item(.core, 2, 1, 0, 0, 16), item(.cache, 1, 1, 32768, 8, 1), item(.cache, 3, 3, 16 << 20, 16, 4),
        item(.memory, 0x1_0000_0000, 1 << 30), item(.memory, 1 << 20, 1 << 30),
        item(.function, 0x0100, 0x8086, 0x10C9, 0x020000, 0x0008, 2, 1, 8, 0x80, 2, 0x10CA, 9, 0x8500_0011),
        item(.function, 0x0008, 0x1B36, 0x000C, 0x060400, 0x0008, 1, 0, 0, 0, 0, 0, 0, 0),
        item(.iommu, 1, 0xFED9_0000),
    ]

    @Test func everything() throws {
        let found = Inventory(name: "rack7", Self.items)
        #expect(found.source == "bulkhead" && found.usableIommu && found.memory.installedBytes == 8 << 30)
        #expect(found.features == ["sme", "sev", "mba"])
        #expect(found.cores.map(\.package) == [0, 0, 1] && found.cores[1].thread == 1)
        #expect(found.caches.map(\.cores) == [[0, 1], [2], [0, 1], [2]])
        #expect(found.caches[2].level == 3 && found.caches[2].type == "unified")
        #expect(found.memory.ranges.map(\.base) == [1 << 20, 0x1_0000_0000])
        #expect(found.functions.map(\.address) == ["00:01.0", "01:00.0"] && found.functions[0].bridge)
        let igb = found.functions[1]
        #expect(igb.id == "8086:10c9" && igb.group == "00:01.0" && igb.reserved == true)
        #expect(igb.resets == ["function-level"] && igb.virtualFunctions?.group == "00:01.0")
        #expect(igb.bars.map(\.index) == [0, 3] && igb.bars.map(\.kind) == ["memory", "ports"])
        #expect(igb.bars.map(\.sizeBytes) == [1 << 17, 32])
        #expect(found.iommus.map(\.kind) == ["vt-d"] && found.iommus[0].registers == 0xFED9_0000)
        #expect(try Inventory(json: Data(found.json.utf8)) == found)
        #expect(found.text.contains("rack7: as the hypervisor found it at boot"))
    }

    /// What CPUID answers, of which the tool makes the same: an EPYC's vendor, features and two of its caches.
    @Test func answersOfCPUID() {
        let answers = [
            Self.item(.processor, 0, 0, 0x10, 0x6874_7541, 0x444D_4163, 0x6974_6E65),
            Self.item(.processor, 7, 0, 0, 0x219C_97A9, 0x0040_068C, 0), Self.item(.processor, 0x10, 0, 0, 2, 0, 0),
            Self.item(.processor, 0x10, 1, 0xF, 0, 4, 0),
            Self.item(.processor, 0x8000_0000, 0, 0x8000_0023, 0, 0, 0),
            Self.item(.processor, 0x8000_001D, 0, 0x4121, 0x01C0_003F, 63, 0),
            Self.item(.processor, 0x8000_001D, 1, 0x3C163, 0x03C0_003F, 16383, 0),
            Self.item(.processor, 0x8000_001F, 0, 0x0101_FD3F, 0x4173, 0, 0),
        ]
        let others = Self.items.filter { $0.kind != .cache && $0.kind != .machine }
        let found = Inventory(name: "rack7", others + answers)
        #expect(found.features == ["sme", "sev", "sev_es", "sev_snp", "cat_l3", "cdp_l3"])
        #expect(found.caches == Inventory(name: "rack7", Self.items).caches)
    }

    /// The facts that a plan is checked against are those that the hypervisor checks itself.
    @Test func facts() throws {
        let facts = Inventory(name: "rack7", Self.items).facts
        #expect(facts.cores == CoreSet(rawValue: 0b111) && facts.usableIOMMU)
        #expect(facts.siblings[0] == 0 && facts.siblings[1] == 0 && facts.siblings[2] == 2)
        #expect(facts.free.usableBytes == (2 << 30) - (2 << 20))
        #expect(facts.functions.count == 2)
        let igb = facts.functions.functions[1]
        #expect(igb.address == FunctionAddress(bus: 1, device: 0, function: 0) && igb.isReserved && !igb.isBridge)
        #expect(igb.group == 8 && igb.virtualGroup == 8 && igb.virtualTotal == 8 && igb.reset == .functionLevel)
    }
}
