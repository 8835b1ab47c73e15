import Control
@testable import Daemon
import LibvirtWire
import Testing

/// PCI functions of the machine, and its caches, as libvirt's clients see them.
@Suite struct NodeDeviceTests {
    /// A bridge, a network card with virtual functions beside it in one group, and one behind another bus.
    private static let functions: [InventoryItem] = [
        InventoryItem(.function, [0x08, 0x8086, 0x29C0, 0x060400, 0x08, 1]),
        InventoryItem(.function, [0x10, 0x8086, 0x10C9, 0x020000, 0x10, 0, 0, 7, 128, 2, 0x10CA, 0, 0]),
        InventoryItem(.function, [0x11, 0x1AF4, 0x1041, 0x020000, 0x10]),
        InventoryItem(.function, [0xFF_FA, 0xFFFF, 0xFFFF, 0xFFFFFF, 0xFF_FA]),
    ]

    private func bench(_ items: [InventoryItem]) throws -> (DaemonBench, BenchClient) {
        let bench = try DaemonBench(isUp: false)
        bench.daemon.take(.up(MemoryMachine.named("box"), items, MemoryMachine.two))
        return (bench, try bench.client())
    }

    private func strings(_ answer: Answer?) throws -> [String] {
        var reader = XDRReader(try #require(answer).packet.payload)
        return try reader.array(max: 1 << 16) { (reader) throws(XDRError) in try reader.string() }
    }

    private func list(_ client: BenchClient, _ flags: UInt32) throws -> [String] {
        try strings(
            client.call("connect_list_all_node_devices") { writer in
                writer.int32(1)
                writer.uint32(flags)
            })
    }

    private func xml(_ client: BenchClient, _ name: String) throws -> String {
        var reader = XDRReader(
            try #require(
                try client.call("node_device_get_xml_desc") { writer in
                    writer.string(name)
                    writer.uint32(0)
                }
            ).packet.payload)
        return try reader.string()
    }

    @Test func functionsAreListed() throws {
        let (bench, client) = try bench(Self.functions)
        defer { withExtendedLifetime(bench) {} }
        let functions = ["pci_0000_00_01_0", "pci_0000_00_02_0", "pci_0000_00_02_1", "pci_0000_ff_1f_2"]
        #expect(try list(client, 0) == ["computer"] + functions)
        #expect(try list(client, 1 << 1) == functions && list(client, 1 << 0 | 1 << 31) == ["computer"])
        // Of networks, and of what is not there.
        #expect(try list(client, 1 << 4) == [] && list(client, 1 << 30) == [])
        let some = try client.call("node_list_devices") { writer in
            writer.optionalString("pci")
            writer.int32(2)
            writer.uint32(0)
        }
        #expect(try strings(some) == Array(functions.prefix(2)))
        #expect(try client.call("node_device_lookup_by_name") { $0.string("pci_0000_00_01_0") }?.code == 0)
        let absent = try client.call("node_device_lookup_by_name") { $0.string("pci_0000_00_01_1") }
        #expect(absent?.code == 53)
    }

    @Test func aFunctionIsDescribed() throws {
        let (bench, client) = try bench(Self.functions)
        defer { withExtendedLifetime(bench) {} }
        #expect(
            try xml(client, "pci_0000_00_02_0") == """
                <device>
                  <name>pci_0000_00_02_0</name>
                  <parent>computer</parent>
                  <capability type='pci'>
                    <class>0x020000</class>
                    <domain>0</domain>
                    <bus>0</bus>
                    <slot>2</slot>
                    <function>0</function>
                    <product id='0x10c9'/>
                    <vendor id='0x8086'/>
                    <capability type='virt_functions' maxCount='7'/>
                    <iommuGroup number='16'>
                      <address domain='0x0000' bus='0x00' slot='0x02' function='0x0'/>
                      <address domain='0x0000' bus='0x00' slot='0x02' function='0x1'/>
                    </iommuGroup>
                  </capability>
                </device>

                """)
        #expect(try xml(client, "pci_0000_00_01_0").contains("<capability type='pci-bridge'/>"))
        #expect(try xml(client, "computer").contains("<product>box</product>"))
        // Whose they are is the manifest's to say.
        for name in ["node_device_dettach", "node_device_re_attach", "node_device_reset"] {
            #expect(try client.call(name) { $0.string("pci_0000_00_02_0") }?.code == 84, "\(name)")
        }
    }

    /// What a machine tells of its processor is not believed to make sense.
    @Test func aMachineMayTellAnything() throws {
        let most = UInt64.max
        let items = [
            InventoryItem(.machine, [most, most, most, most, most]), InventoryItem(.iommu, [most, most]),
            InventoryItem(.memory, [most, most]),
            InventoryItem(.function, [most, most, most, most, most, most, most, most, most, most, most, most, most]),
            InventoryItem(.cache, [3, most, most, 0, most]), InventoryItem(.core, [most, most, most, most, most]),
            InventoryItem(.core, [0, 0, 0, 0, 0]),
            InventoryItem(.processor, [0, 0, 0x20, 0x756E_6547, 0x6C65_746E, 0x4965_6E69]),
            InventoryItem(.processor, [4, 0, 0xFFFF_FF63, most, most, most]),
            InventoryItem(.processor, [7, 0, most, most, most, 0]),
            InventoryItem(.processor, [0x10, 0, most, most, most, most]),
            InventoryItem(.processor, [0x10, 1, most, most, most, most]),
            InventoryItem(.processor, [0x10, 3, most, most, most, most]),
            InventoryItem(.processor, [0xF, 0, most, most, most, most]),
            InventoryItem(.processor, [0xF, 1, most, most, most, most]),
        ]
        let (bench, client) = try bench(items + Self.functions)
        defer { withExtendedLifetime(bench) {} }
        for name in ["connect_get_capabilities", "node_get_info"] {
            #expect(try client.call(name)?.code == 0, "\(name)")
        }
        for device in try list(client, 0) { #expect(try xml(client, device).hasSuffix("</device>\n")) }
    }

    /// Nor to be of a machine's size.
    @Test func aMachineMayTellMuch() throws {
        let many = (0..<20_000).flatMap { number in
            let number = UInt64(number)
            return [
                InventoryItem(.core, [1023 &- number, 0, 0, number, number]),
                InventoryItem(.cache, [3, 3, 1 << 20, 4, 0]),
                InventoryItem(.function, [number, 0x8086, 0x29C0, 0x060400, 0, 1]),
            ]
        }
        let (bench, client) = try bench(many)
        defer { withExtendedLifetime(bench) {} }
        let capabilities = try #require(try client.call("connect_get_capabilities"))
        // Lists of neighbours are short in whatever order they are told.
        #expect(capabilities.code == 0 && capabilities.packet.payload.count < 512 << 10)
        let inventory = bench.daemon.machine.inventory
        #expect(inventory.cores.count == 1024 && inventory.caches.count == 1024 && inventory.functions.count == 16_383)
        let found = try list(client, 0)
        #expect(found.count == 16_384)
        #expect(try xml(client, found[1]).count < 64 << 10)
    }

    @Test func cachesAreInTheCapabilities() throws {
        // Two cores of Intel's that share 8 MiB of 16 ways, divided among eight classes.
        let (bench, client) = try bench([
            InventoryItem(.core, [0, 0, 0, 0, 0]), InventoryItem(.core, [1, 0, 1, 0, 1]),
            InventoryItem(.processor, [0, 0, 0x20, 0x756E_6547, 0x6C65_746E, 0x4965_6E69]),
            InventoryItem(.processor, [4, 0, 0x4063, 0x03C0_003F, 0x1FFF, 0]),
            InventoryItem(.processor, [7, 0, 0, 1 << 15, 0, 0]), InventoryItem(.processor, [0x10, 0, 0, 0xA, 0, 0]),
            InventoryItem(.processor, [0x10, 1, 15, 0, 0, 7]), InventoryItem(.processor, [0x10, 3, 89, 0, 4, 7]),
        ])
        defer { withExtendedLifetime(bench) {} }
        let text = try #require(try client.call("connect_get_capabilities")).text
        #expect(
            text.contains(
                """
                    <cache>
                      <bank id='0' level='3' type='both' size='8192' unit='KiB' cpus='0-1'>
                        <control granularity='512' unit='KiB' type='both' maxAllocs='8'/>
                      </bank>
                    </cache>
                    <memory_bandwidth>
                      <node id='0' cpus='0-1'>
                        <control granularity='10' min='10' maxAllocs='8'/>
                      </node>
                    </memory_bandwidth>
                """), "\(text)")
    }
}
