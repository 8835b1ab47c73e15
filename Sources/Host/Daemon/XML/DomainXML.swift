import Control
import ControlClient

/// A domain's description, libvirt's `<domain>`: as it was defined, or as the machine tells it.
enum DomainXML {
    /// - Parameter inactive: as it is when it does not run.
    static func text(of domain: Domain, inactive: Bool = false) -> String {
        let isLive = domain.isActive && !inactive
        if let definition = domain.definition { return isLive ? definition.live(id: domain.id) : definition.text }
        var xml = XMLText()
        let info = domain.info, cores = info.coreList
        let id = isLive ? [("id", "\(domain.id)")] : []
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

/// Core numbers as libvirt writes them: "1", "2-3", "0,2-5".
enum CoreText {
    static func list(_ cores: [Int]) -> String {
        var ranges: [(Int, Int)] = []
        for core in cores {
            if let last = ranges.last, last.1 &+ 1 == core {
                ranges[ranges.count - 1].1 = core
            } else {
                ranges.append((core, core))
            }
        }
        return ranges.map { $0 == $1 ? "\($0)" : "\($0)-\($1)" }.joined(separator: ",")
    }

    /// The cores of such a list, in order; nil when it is none, or names one above 63.
    static func cores(_ text: String) -> [Int]? {
        // One bit a core: a part costs the same however many it names.
        var cores: UInt64 = 0
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let isLess = part.hasPrefix("^")
            let ends = part.drop { $0 == "^" }.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
            guard let first = ends.first ?? nil, let last = ends.last ?? nil, ends.count <= 2 else { return nil }
            guard 0 <= first, first <= last, last <= 63 else { return nil }
            let range = (UInt64.max >> UInt64(63 - last + first)) << UInt64(first)
            if isLess { cores &= ~range } else { cores |= range }
        }
        return (0..<64).filter { cores >> UInt64($0) & 1 == 1 }
    }

    /// One bit a core, the lowest first, in as many bytes as `count` cores take.
    static func map(_ cores: [Int], count: Int) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: (count + 7) / 8)
        for core in cores where core >= 0 && core / 8 < bytes.count { bytes[core / 8] |= 1 << UInt8(core % 8) }
        return bytes
    }
}
