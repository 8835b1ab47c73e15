import Control
import Manifest
import PCI
import Remapping
import Resources
import Silicon
import Text
import X86

/// What the machine was found to have at boot, for managers. Its functions are `mutating` though they change nothing: others
/// get a copy of all of it on the stack.
struct InventoryList {
    private var facts: MachineFacts
    private let topology: Topology
    private let apicIDs: [64 of UInt32]
    private var iommus = BoundedList<32, UInt64>(unused: 0)
    private let iommuKind: UInt64

    init(_ built: borrowing BuiltMachine) {
        facts = built.plan.machine.facts
        topology = built.tables.topology
        apicIDs = built.tables.apicIDs
        let remapping = built.plan.machine.remapping
        iommuKind = UInt64(remapping?.vendor.rawValue ?? 0)
        guard let units = remapping?.units else { return }
        for i in 0..<units.units.count { _ = iommus.append(units.units[i].registers) }
    }

    var count: Int {
        mutating get {
            1 + facts.cores.count + Self.answerCount + facts.free.count + facts.functions.count + iommus.count
        }
    }

    /// - Parameter index: below `count`.
    mutating func item(_ index: Int) -> InventoryItem {
        var i = index
        if i == 0 {
            let keys = UInt64(facts.memoryKeys.highest),
                obstacle = facts.memoryKeys.obstacle.map { UInt64($0.rawValue) + 1 }
            return InventoryItem(
                .machine, [facts.usableIOMMU ? 1 : 0, facts.installedMemory, 0, keys, obstacle ?? 0])
        }
        i -= 1
        if i < facts.cores.count {
            // Cores are numbered without gaps at boot.
            let id = apicIDs[i]
            let package = topology.package(of: id), core = topology.core(of: id), thread = topology.thread(of: id)
            return InventoryItem(.core, [UInt64(i), UInt64(package), UInt64(core), UInt64(thread), UInt64(id)])
        }
        i -= facts.cores.count
        if i < Self.answerCount { return answer(i) }
        i -= Self.answerCount
        if i < facts.free.count {
            return InventoryItem(.memory, [facts.free.ranges[i].base, facts.free.ranges[i].size])
        }
        i -= facts.free.count
        if i < facts.functions.count { return function(i) }
        return InventoryItem(.iommu, [iommuKind, iommus[(i - facts.functions.count) & 31]])
    }

    private static let answerCount = 33

    /// What CPUID says of the vendor, features, caches and its name.
    private func answer(_ index: Int) -> InventoryItem {
        let leaves: [14 of (leaf: UInt32, count: Int)] = [
            (0, 1), (4, 8), (7, 1), (0xF, 2), (0x10, 4), (0x8000_0000, 1), (0x8000_0008, 1), (0x8000_001D, 8),
            (0x8000_001F, 1), (0x8000_0020, 2), (0x8000_0023, 1),
            (0x8000_0002, 1), (0x8000_0003, 1), (0x8000_0004, 1),
        ]
        var i = 0, subleaf = index
        while subleaf >= leaves[i].count {
            subleaf -= leaves[i].count
            i += 1
        }
        let leaf = leaves[i].leaf, said = resourceCPUID(leaf, UInt32(subleaf))
        return InventoryItem(
            .processor,
            [UInt64(leaf), UInt64(subleaf), UInt64(said.eax), UInt64(said.ebx), UInt64(said.ecx), UInt64(said.edx)])
    }

    private mutating func function(_ index: Int) -> InventoryItem {
        let found = facts.functions.functions[index]
        var bars: UInt64 = 0
        for bar in 0..<6 where found.bars[bar].kind != .none {
            let size = UInt64(found.bars[bar].size.trailingZeroBitCount)
            bars |= (found.bars[bar].kind == .port ? size | 0x80 : size) << UInt64(8 * bar)
        }
        return InventoryItem(
            .function,
            [
                UInt64(found.address.requester), UInt64(found.vendor), UInt64(found.device), UInt64(found.classCode),
                UInt64(found.group), (found.isBridge ? 1 : 0) | (found.isReserved ? 2 : 0),
                UInt64(found.reset.rawValue), UInt64(found.virtualTotal), UInt64(found.virtualOffset),
                UInt64(found.virtualStride), UInt64(found.virtualDevice),
                found.virtualGroup.map { UInt64($0) + 1 } ?? 0, bars,
            ])
    }
}
