import Control
import ControlClient

/// A domain's description as the machine tells it, for a domain that nobody has defined: libvirt's `<domain>`.
enum DomainXML {
    static func text(of domain: Domain) -> String {
        var xml = XMLText()
        let info = domain.info, cores = info.coreList
        let id = domain.isActive ? [("id", "\(domain.id)")] : []
        xml.element("domain", [("type", "bulkhead")] + id) { xml in
            xml.leaf("name", [], domain.name)
            xml.leaf("uuid", [], domain.uuid.description)
            xml.leaf("memory", [("unit", "KiB")], "\(info.memory >> 10)")
            xml.leaf("currentMemory", [("unit", "KiB")], "\(info.memory >> 10)")
            xml.leaf("vcpu", [("placement", "static"), ("cpuset", CoreText.list(cores))], "\(cores.count)")
            xml.element("cputune") { xml in
                for (vcpu, core) in cores.enumerated() {
                    xml.leaf("vcpupin", [("vcpu", "\(vcpu)"), ("cpuset", "\(core)")])
                }
            }
            xml.element("resource") { $0.leaf("partition", [], "/\(domain.partition)") }
            xml.element("os") { xml in
                xml.leaf("type", [("arch", "x86_64")], "hvm")
                xml.leaf("kernel", [], info.image.string)
            }
            xml.leaf("cpu", [("mode", "host-passthrough")])
            xml.element("devices") { xml in
                guard info.permits.contains(.consoleRead) else { return }
                xml.element("serial", [("type", "pty")]) { xml in
                    xml.leaf("target", [("port", "0")])
                    xml.leaf("alias", [("name", "serial0")])
                }
                xml.element("console", [("type", "pty")]) { xml in
                    xml.leaf("target", [("type", "serial"), ("port", "0")])
                    xml.leaf("alias", [("name", "console0")])
                }
            }
        }
        return xml.text
    }
}

extension PartitionInfo {
    /// The cores' numbers, the lowest first: vCPU 0's is the first.
    var coreList: [Int] { (0..<64).filter { cores.contains(.init(core: $0)) } }
}

/// Core numbers as libvirt writes them: "1", "2-3", "0,2-5".
enum CoreText {
    static func list(_ cores: [Int]) -> String {
        var ranges: [(Int, Int)] = []
        for core in cores {
            if let last = ranges.last, last.1 + 1 == core {
                ranges[ranges.count - 1].1 = core
            } else {
                ranges.append((core, core))
            }
        }
        return ranges.map { $0 == $1 ? "\($0)" : "\($0)-\($1)" }.joined(separator: ",")
    }

    /// One bit a core, the lowest first, in as many bytes as `count` cores take.
    static func map(_ cores: [Int], count: Int) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: (count + 7) / 8)
        for core in cores where core / 8 < bytes.count { bytes[core / 8] |= 1 << UInt8(core % 8) }
        return bytes
    }
}
