import Inventory

/// What libvirt calls a node device: the machine itself, or one of its PCI functions.
struct NodeDevice {
    /// The machine's.
    static let root = "computer"

    var name: String
    /// nil: the machine itself.
    var function: Inventory.Function?

    var parent: String? { function == nil ? nil : Self.root }
    var capability: String { function == nil ? "system" : "pci" }
}

/// All there are, by their names.
struct NodeDevices {
    /// The machine, then its functions by their addresses.
    let list: [NodeDevice]
    private let places: [String: Int]
    private let groups: [String: [Inventory.Function]]
    /// Functions of one group that are named: more share nothing on a real machine.
    private static let mostOfGroup = 256

    init(_ inventory: Inventory) {
        var list = [NodeDevice(name: NodeDevice.root)], places = [NodeDevice.root: 0]
        for function in inventory.functions {
            let name = "pci_0000_" + function.address.replacing(":", with: "_").replacing(".", with: "_")
            guard places[name] == nil else { continue }
            places[name] = list.count
            list.append(NodeDevice(name: name, function: function))
        }
        (self.list, self.places) = (list, places)
        groups = Dictionary(grouping: list.compactMap(\.function)) { $0.group ?? "" }
            .mapValues { Array($0.prefix(Self.mostOfGroup)) }
    }

    subscript(name: String) -> NodeDevice? { places[name].map { list[$0] } }

    /// Those of a function's isolation group.
    func group(of function: Inventory.Function) -> [Inventory.Function] { function.group.flatMap { groups[$0] } ?? [] }
}

/// `virConnectListAllNodeDeviceFlags`: groups of bits; of each group that has one set, a device must match one.
struct NodeDeviceFilter {
    private let flags: UInt32
    /// Those that say what a device is, with those that a later libvirt will have.
    private static let capabilities: UInt32 = 1 << 28 - 1

    init(_ flags: UInt32) { self.flags = flags }

    func takes(_ device: NodeDevice) -> Bool {
        let own: UInt32 = device.function == nil ? 1 << 0 : 1 << 1
        // All are there always: persistent and active.
        return matches(Self.capabilities, own) && matches(3 << 28, 1 << 28) && matches(3 << 30, 1 << 31)
    }

    private func matches(_ group: UInt32, _ own: UInt32) -> Bool { flags & group == 0 || flags & own != 0 }
}
