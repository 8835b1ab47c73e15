import Control
import ControlClient
import LibvirtWire

/// libvirt's `<capabilities>`: what the machine is, and that its guests are virtual machines of Bulkhead.
enum CapabilitiesXML {
    static func text(_ info: MachineInfo, _ topology: MachineTopology) -> String {
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

    private static func cores(_ xml: inout XMLText, _ topology: MachineTopology) {
        xml.element("cpus", [("num", "\(topology.cores.count)")]) { xml in
            for core in topology.cores {
                let siblings = topology.cores.filter { ($0.package, $0.core) == (core.package, core.core) }.map(\.index)
                xml.leaf(
                    "cpu",
                    [
                        ("id", "\(core.index)"), ("socket_id", "\(core.package)"), ("core_id", "\(core.core)"),
                        ("siblings", CoreText.list(siblings)),
                    ])
            }
        }
    }
}
