import Control
import ControlClient
import Manifest
import ManifestFile
import ManifestRules
import PCI
import Resources
import X86

extension Inventory {
    /// What the hypervisor found at boot, from a running machine.
    public init(_ client: ControlClient) throws(LinkError) {
        let hello = try client.hello(), name = hello.name
        let text = String(decoding: (0..<name.count).map { name.bytes[$0] }, as: UTF8.self)
        self.init(name: text, try client.inventory())
        (secureBoot, tpm) = (hello.trust.contains(.secureBoot), hello.trust.contains(.tpm))
    }

    /// More cores, caches and functions than a machine has are not taken: whoever answers may not be one.
    private static let mostCores = 1024, mostCaches = 1024, mostFunctions = 16_383

    /// - Parameter items: what the hypervisor answers to `inventory`.
    public init(name: String, _ items: [InventoryItem]) {
        self.init(source: "bulkhead", name: name)
        for item in items where item.kind == .core && item[0] < Self.mostCores && cores.count < Self.mostCores {
            cores.append(Core(item))
        }
        for item in items {
            switch item.kind {
            case .machine:
                usableIommu = item[0] != 0
                memory.installedBytes = item[1]
                features = ProcessorFeatures(rawValue: item[2]).found
                if item.count > 3 { memoryKeys = Int(clamping: item[3]) }
                if item[4] > 0 {
                    memoryKeyProblem = MemoryKeyObstacle(rawValue: UInt8(clamping: item[4] - 1))?.words.description
                }
            case .core, .processor: break
            case .cache:
                addCaches(
                    level: item[0], type: item[1], size: item[2], ways: item[3], sharedBits: UInt32(clamping: item[4]))
            case .memory: memory.ranges.append(Range(base: item[0], sizeBytes: item[1]))
            case .function: if functions.count < Self.mostFunctions { functions.append(Function(item)) }
            case .iommu: iommus.append(Unit(kind: item[0] == 1 ? "vt-d" : "amd-vi", registers: item[1]))
            }
        }
        addAnswers(items.filter { $0.kind == .processor })
        memory.ranges.sort { $0.base < $1.base }
        functions.sort { $0.address < $1.address }
    }

    /// Features and caches by what CPUID answers.
    private mutating func addAnswers(_ items: [InventoryItem]) {
        var answers: [UInt64: CPUIDRegisters] = [:]
        func register(_ value: UInt64) -> UInt32 { UInt32(truncatingIfNeeded: value) }
        for item in items {
            answers[item[0] << 32 | item[1]] = CPUIDRegisters(
                eax: register(item[2]), ebx: register(item[3]), ecx: register(item[4]), edx: register(item[5]))
        }
        func native(_ leaf: UInt32, _ subleaf: UInt32) -> CPUIDRegisters {
            answers[UInt64(leaf) << 32 | UInt64(subleaf)] ?? CPUIDRegisters()
        }
        let maker = native(0, 0)
        guard let vendor = Vendor(ebx: maker.ebx, ecx: maker.ecx, edx: maker.edx) else { return }
        features = ProcessorFeatures(native).found
        processor = Self.brand(native)
        allocation = Allocation(ResourceCapabilities(vendor, native: native))
        for index in 0..<8 {
            guard let cache = ProcessorCache(index, vendor, native: native) else { break }
            addCaches(
                level: UInt64(cache.level), type: UInt64(cache.type), size: cache.size, ways: UInt64(cache.ways),
                sharedBits: cache.sharedBits)
        }
    }

    /// The processor's name: 48 characters in three leaves, filled up with spaces or zeros (Intel SDM volume 2, leaf 80000002h).
    private static func brand(_ native: (UInt32, UInt32) -> CPUIDRegisters) -> String? {
        var text: [UInt8] = []
        for leaf: UInt32 in 0x8000_0002...0x8000_0004 {
            let said = native(leaf, 0)
            for word in [said.eax, said.ebx, said.ecx, said.edx] {
                text += (0..<4).map { UInt8(truncatingIfNeeded: word >> (8 * $0)) }
            }
        }
        let letters = text.prefix { $0 != 0 }.map { 0x20..<0x7F ~= $0 ? $0 : UInt8(ascii: "?") }
        let words = String(decoding: letters, as: UTF8.self).split(separator: " ")
        return words.isEmpty ? nil : words.joined(separator: " ")
    }

    /// One cache for each set of threads whose APIC ids differ in their low bits alone.
    private mutating func addCaches(level: UInt64, type: UInt64, size: UInt64, ways: UInt64, sharedBits: UInt32) {
        guard caches.count < Self.mostCaches else { return }
        let types: [UInt64: String] = [1: "data", 2: "instruction", 3: "unified"]
        for (_, sharers) in Dictionary(grouping: cores, by: { ($0.apicId ?? 0) >> sharedBits }).sorted(by: {
            $0.key < $1.key
        }) {
            guard caches.count < Self.mostCaches else { return }
            caches.append(
                Cache(
                    level: Int(clamping: level), type: types[type] ?? "unified", sizeBytes: size,
                    ways: Int(clamping: ways), cores: sharers.map(\.index).sorted()))
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
        let reset = UInt8(exactly: item[6]).flatMap { ResetMethod(rawValue: $0) }
        let virtual = Inventory.VirtualFunctions(
            total: Int(clamping: item[7]), offset: Int(clamping: item[8]), stride: Int(clamping: item[9]),
            device: hexText(item[10], 4), group: item[11] == 0 ? nil : address(item[11] - 1))
        self.init(
            address: address(item[0]), id: hexText(item[1], 4) + ":" + hexText(item[2], 4),
            classCode: hexText(item[3], 6), group: address(item[4]), bridge: item[5] & 1 != 0,
            reserved: item[5] & 2 != 0, resets: reset?.words ?? [],
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
