import Control
import Inventory
import LibvirtWire

/// libvirt's `<device>`: the machine, or a PCI function as the hypervisor found it.
enum NodeDeviceXML {
    /// - Parameter devices: all there are: functions of one isolation group are named with each other.
    static func text(_ device: NodeDevice, _ info: MachineInfo, _ devices: NodeDevices) -> String {
        var xml = XMLText()
        xml.element("device") { xml in
            xml.leaf("name", [], device.name)
            if let parent = device.parent { xml.leaf("parent", [], parent) }
            xml.element("capability", [("type", device.capability)]) { xml in
                guard let function = device.function else {
                    xml.leaf("product", [], info.name.string)
                    xml.element("hardware") { $0.leaf("uuid", [], WireUUID.named(info.name.string).description) }
                    return
                }
                write(function, &xml, devices.group(of: function))
            }
        }
        return xml.text
    }

    private static func write(
        _ function: Inventory.Function, _ xml: inout XMLText, _ group: [Inventory.Function]
    ) {
        xml.leaf("class", [], "0x\(function.classCode)")
        xml.leaf("domain", [], "0")
        for (name, digits) in zip(["bus", "slot", "function"], parts(function)) {
            xml.leaf(name, [], "\(Int(digits, radix: 16) ?? 0)")
        }
        let ids = function.id.split(separator: ":").map(String.init)
        for (name, id) in zip(["product", "vendor"], ids.reversed()) { xml.leaf(name, [("id", "0x\(id)")]) }
        if function.bridge { xml.leaf("capability", [("type", "pci-bridge")]) }
        if let virtual = function.virtualFunctions {
            xml.leaf("capability", [("type", "virt_functions"), ("maxCount", "\(virtual.total)")])
        }
        guard let lowest = function.group else { return }
        // Groups have no numbers here: the lowest address of each is its own, and made one.
        let number = parts(lowest).compactMap { Int($0, radix: 16) }
        guard number.count == 3 else { return }
        xml.element("iommuGroup", [("number", "\(number[0] << 8 | number[1] << 3 | number[2])")]) { xml in
            for other in group {
                let attributes = zip(["bus", "slot", "function"], parts(other)).map { ($0, "0x\($1)") }
                xml.leaf("address", [("domain", "0x0000")] + attributes)
            }
        }
    }

    private static func parts(_ function: Inventory.Function) -> [String] { parts(function.address) }

    /// Bus, device and function, in hexadecimal.
    private static func parts(_ address: String) -> [String] {
        address.split(whereSeparator: { $0 == ":" || $0 == "." }).map(String.init)
    }
}
