import Control
import Manifest
import Remapping
import Silicon
import Text
import X86
import PCI

/// What the machine was found to have at boot, for managers. Its functions are `mutating` though they change nothing: others
/// get a copy of all of it on the stack.
struct MachineInventory {
    private var facts: MachineFacts
    private let topology: Topology
    private let apicIDs: [64 of UInt32]
    private let vendor: Vendor
    private var iommus: [8 of UInt64] = .init(repeating: 0)
    private var iommuCount = 0
    private var iommuKind: UInt64 = 0

    init(_ built: borrowing BuiltMachine, _ vendor: Vendor) {
        facts = built.plan.machine.facts
        topology = built.tables.topology
        apicIDs = built.tables.apicIDs
        self.vendor = vendor
        iommuKind = built.tables.dmar != 0 ? 1 : 2
        guard let units = built.plan.machine.remapping else { return }
        iommuCount = units.unitCount
        for i in 0..<iommuCount { iommus[i] = units.units[i].registers }
    }

    private var cacheCount: Int {
        mutating get {
            var count = 0
            while ProcessorCache(count, vendor, native: nativeCPUID) != nil { count += 1 }
            return count
        }
    }

    var count: Int {
        mutating get { 1 + facts.cores.count + cacheCount + facts.free.count + facts.functions.count + iommuCount }
    }

    /// - Parameter index: below `count`.
    mutating func item(_ index: Int) -> InventoryItem {
        var i = index
        if i == 0 { return machine() }
        i -= 1
        if i < facts.cores.count { return core(i) }
        i -= facts.cores.count
        let caches = cacheCount
        if i < caches, let cache = ProcessorCache(i, vendor, native: nativeCPUID) {
            var item = InventoryItem(.cache)
            item.append(UInt64(cache.level))
            item.append(UInt64(cache.type))
            item.append(cache.size)
            item.append(UInt64(cache.ways))
            item.append(UInt64(cache.sharedBits))
            return item
        }
        i -= caches
        if i < facts.free.count {
            var item = InventoryItem(.memory)
            item.append(facts.free.ranges[i].base)
            item.append(facts.free.ranges[i].size)
            return item
        }
        i -= facts.free.count
        if i < facts.functions.count { return function(i) }
        i -= facts.functions.count
        var item = InventoryItem(.iommu)
        item.append(iommuKind)
        item.append(iommus[i & 7])
        return item
    }

    private mutating func machine() -> InventoryItem {
        var item = InventoryItem(.machine)
        item.append(facts.usableIOMMU ? 1 : 0)
        item.append(facts.installedMemory)
        item.append(ProcessorFeatures(nativeCPUID).rawValue)
        return item
    }

    /// Cores are numbered without gaps at boot.
    private mutating func core(_ index: Int) -> InventoryItem {
        var item = InventoryItem(.core)
        item.append(UInt64(index))
        item.append(UInt64(topology.package(of: apicIDs[index])))
        item.append(UInt64(topology.core(of: apicIDs[index])))
        item.append(UInt64(topology.thread(of: apicIDs[index])))
        item.append(UInt64(apicIDs[index]))
        return item
    }

    private mutating func function(_ index: Int) -> InventoryItem {
        let found = facts.functions.functions[index]
        var item = InventoryItem(.function)
        item.append(UInt64(found.address.requester))
        item.append(UInt64(found.vendor))
        item.append(UInt64(found.device))
        item.append(UInt64(found.classCode))
        item.append(UInt64(found.group))
        item.append((found.isBridge ? 1 : 0) | (found.isReserved ? 2 : 0))
        item.append(UInt64(found.reset.rawValue))
        item.append(UInt64(found.virtualTotal))
        item.append(UInt64(found.virtualOffset))
        item.append(UInt64(found.virtualStride))
        item.append(UInt64(found.virtualDevice))
        item.append(found.virtualGroup.map { UInt64($0) + 1 } ?? 0)
        var bars: UInt64 = 0
        for bar in 0..<6 { bars |= UInt64(found.barSizes[bar]) << UInt64(8 * bar) }
        item.append(bars)
        return item
    }
}
