import Control
import ControlClient
import Manifest
import ManifestFile
import PCI
import X86

extension Inventory {
    /// What the hypervisor found at boot, from a running machine.
    public init(_ client: ControlClient) throws(LinkError) {
        let name = try client.hello().name
        let text = String(decoding: (0..<name.count).map { name.bytes[$0] }, as: UTF8.self)
        self.init(name: text, try client.inventory())
    }

    /// - Parameter items: what the hypervisor answers to `inventory`.
    public init(name: String, _ items: [InventoryItem]) {
        self.init(source: "bulkhead", name: name)
        for item in items where item.kind == .core { cores.append(Core(item)) }
        for item in items {
            switch item.kind {
            case .machine:
                usableIommu = item[0] != 0
                memory.installedBytes = item[1]
                features = (0..<ProcessorFeatures.names.count).filter { item[2] >> UInt64($0) & 1 != 0 }
                    .map { ProcessorFeatures.names[$0].description }
            case .core: break
            case .cache: addCaches(item)
            case .memory: memory.ranges.append(Range(base: item[0], sizeBytes: item[1]))
            case .function: functions.append(Function(item))
            case .iommu: iommus.append(Unit(kind: item[0] == 1 ? "vt-d" : "amd-vi", registers: item[1]))
            }
        }
        memory.ranges.sort { $0.base < $1.base }
        functions.sort { $0.address < $1.address }
    }

    /// One cache for each set of threads whose APIC ids differ in their low bits alone.
    private mutating func addCaches(_ item: InventoryItem) {
        let types: [UInt64: String] = [1: "data", 2: "instruction", 3: "unified"]
        let shift = UInt32(clamping: item[4])
        for (_, sharers) in Dictionary(grouping: cores, by: { ($0.apicId ?? 0) >> shift }).sorted(by: {
            $0.key < $1.key
        }) {
            caches.append(
                Cache(
                    level: Int(clamping: item[0]), type: types[item[1]] ?? "unified", sizeBytes: item[2],
                    ways: Int(clamping: item[3]), cores: sharers.map(\.index).sorted()))
        }
    }
}

extension Inventory.Core {
    init(_ item: InventoryItem) {
        self.init(
            index: Int(clamping: item[0]), package: Int(clamping: item[1]), core: Int(clamping: item[2]),
            thread: Int(clamping: item[3]), apicId: UInt32(clamping: item[4]))
    }
}

extension Inventory.Function {
    init(_ item: InventoryItem) {
        func address(_ value: UInt64) -> String { FunctionAddress(requester: UInt16(truncatingIfNeeded: value)).text }
        let resets = ["function-level", "power-state", "bus"]
        let virtual = Inventory.VirtualFunctions(
            total: Int(clamping: item[7]), offset: Int(clamping: item[8]), stride: Int(clamping: item[9]),
            device: hexText(item[10], 4), group: item[11] == 0 ? nil : address(item[11] - 1))
        self.init(
            address: address(item[0]), id: hexText(item[1], 4) + ":" + hexText(item[2], 4),
            classCode: hexText(item[3], 6), group: address(item[4]), bridge: item[5] & 1 != 0,
            reserved: item[5] & 2 != 0, resets: 1...3 ~= item[6] ? [resets[Int(item[6]) - 1]] : [],
            virtualFunctions: virtual.total == 0 ? nil : virtual,
            bars: (0..<6).compactMap { index in
                let byte = item[12] >> UInt64(8 * index) & 0xFF
                guard byte & 0x3F != 0 else { return nil }
                return Inventory.Bar(
                    index: index, kind: byte & 0x80 != 0 ? "ports" : "memory", sizeBytes: 1 << (byte & 0x3F))
            })
    }
}

extension InventoryItem {
    /// The number at a place; 0 where an older hypervisor has none.
    fileprivate subscript(_ index: Int) -> UInt64 { index < count ? values[index] : 0 }
}
