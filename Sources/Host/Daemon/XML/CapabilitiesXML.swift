import Control
import ControlClient
import Inventory
import LibvirtWire

/// libvirt's `<capabilities>`: what the machine is, and that its guests are virtual machines of Bulkhead.
enum CapabilitiesXML {
    static func text(_ info: MachineInfo, _ inventory: Inventory) -> String {
        let topology = MachineTopology(info, inventory)
        var xml = XMLText()
        xml.element("capabilities") { xml in
            xml.element("host") { xml in
                xml.leaf("uuid", [], WireUUID.named(info.name.string).description)
                xml.element("cpu") { xml in
                    xml.leaf("arch", [], "x86_64")
                    xml.leaf(
                        "topology",
                        [
                            ("sockets", "\(topology.packages)"), ("dies", "1"),
                            ("cores", "\(topology.coresPerPackage)"), ("threads", "\(topology.threadsPerCore)"),
                        ])
                }
                xml.element("topology") { xml in
                    xml.element("cells", [("num", "1")]) { xml in
                        xml.element("cell", [("id", "0")]) { xml in
                            xml.leaf("memory", [("unit", "KiB")], "\(info.memory >> 10)")
                            cores(&xml, topology)
                        }
                    }
                }
                caches(&xml, inventory)
                bandwidth(&xml, inventory)
            }
            xml.element("guest") { xml in
                xml.leaf("os_type", [], "hvm")
                xml.element("arch", [("name", "x86_64")]) { xml in
                    xml.leaf("wordsize", [], "64")
                    xml.leaf("domain", [("type", "bulkhead")])
                }
            }
        }
        return xml.text
    }

    /// More than clients can make sense of.
    private static let mostCaches = 64

    /// Those of level 3, each with what it can be divided into. libvirt has no word for what devices fill too.
    private static func caches(_ xml: inout XMLText, _ inventory: Inventory) {
        let found = inventory.caches.filter { $0.level == 3 }.prefix(mostCaches)
        guard !found.isEmpty else { return }
        xml.element("cache") { xml in
            for (index, cache) in found.enumerated() {
                let type = ["data": "data", "instruction": "code"][cache.type] ?? "both"
                let attributes = [
                    ("id", "\(index)"), ("level", "3"), ("type", type), ("size", "\(cache.sizeBytes >> 10)"),
                    ("unit", "KiB"), ("cpus", CoreText.list(cache.cores.filter { $0 < MachineInfo.mostCores })),
                ]
                guard let allocation = inventory.allocation?.l3, allocation.ways > 0 else {
                    xml.leaf("bank", attributes)
                    continue
                }
                let granularity = cache.sizeBytes >> 10 / UInt64(allocation.ways)
                xml.element("bank", attributes) { xml in
                    xml.leaf(
                        "control",
                        [
                            ("granularity", "\(granularity)"), ("unit", "KiB"), ("type", "both"),
                            ("maxAllocs", "\(allocation.classes)"),
                        ])
                }
            }
        }
    }

    /// How the way to memory is limited, for each last-level cache. libvirt has percentages alone: AMD's amounts are left out.
    private static func bandwidth(_ xml: inout XMLText, _ inventory: Inventory) {
        let found = inventory.caches.filter { $0.level == 3 }.prefix(mostCaches)
        guard let limit = inventory.allocation?.bandwidth, limit.unit == "percent", !found.isEmpty else { return }
        let least = "\(Int(min(max(limit.least, 1), 100)))"
        xml.element("memory_bandwidth") { xml in
            for (index, cache) in found.enumerated() {
                let cores = CoreText.list(cache.cores.filter { $0 < MachineInfo.mostCores })
                xml.element("node", [("id", "\(index)"), ("cpus", cores)]) { xml in
                    xml.leaf("control", [("granularity", least), ("min", least), ("maxAllocs", "\(limit.classes)")])
                }
            }
        }
    }

    private static func cores(_ xml: inout XMLText, _ topology: MachineTopology) {
        let siblings = Dictionary(grouping: topology.cores) { [$0.package, $0.core] }
            .mapValues { CoreText.list($0.map(\.index).sorted()) }
        xml.element("cpus", [("num", "\(topology.cores.count)")]) { xml in
            for core in topology.cores {
                xml.leaf(
                    "cpu",
                    [
                        ("id", "\(core.index)"), ("socket_id", "\(core.package)"), ("core_id", "\(core.core)"),
                        ("siblings", siblings[[core.package, core.core]] ?? ""),
                    ])
            }
        }
    }
}
