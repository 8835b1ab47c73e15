import Manifest
import PCI
import Remapping
import Silicon
import Synchronization
import X86

/// What the machine has, found while the firmware runs. Nobody owns any of it yet.
struct DiscoveredMachine: ~Copyable {
    let tables: FirmwareTables
    /// TSC when the firmware started the hypervisor, and its ticks in a millisecond.
    let entryTSC: UInt64
    let tscKHz: UInt64
    /// Seconds since 1970-01-01 at that moment, 0 when the firmware has no clock.
    let bootTime: UInt64
    let memoryMap: MemoryMap
    /// nil where the machine has none that is usable.
    var iommu: IOMMU?
    /// What the manifest is held against.
    private(set) var facts: MachineFacts
    /// A type with an atomic in it has an address: it is passed on without a copy of each field.
    private let pin: Atomic<Bool>

    init(
        _ firmware: borrowing Firmware, _ vendor: Vendor, entryTSC: UInt64, bootTime: UInt64
    ) throws(Refusal) {
        let tables = try FirmwareTables(firmware, vendor), tscKHz = try ClockRate.kHz(tables)
        let memoryMap: MemoryMap
        do throws(FirmwareError) { memoryMap = try MemoryMap(firmware) } catch {
            throw Refusal(error, "the memory map")
        }
        (self.entryTSC, self.tscKHz, self.bootTime) = (entryTSC, tscKHz, bootTime)
        self.tables = tables
        self.memoryMap = memoryMap
        iommu = IOMMU.find(tables)
        facts = MachineFacts(coreCount: tables.processorCount)
        pin = Atomic(false)
        memoryMap.describe(in: &facts)
        gatherFacts()
    }

    /// The remapping units, nil where none is usable.
    var remapping: RemappingTopology? {
        switch iommu {
        case .some(let iommu): iommu.topology
        case .none: nil
        }
    }
}

extension DiscoveredMachine {
    /// Threads, functions and isolation groups, for the manifest to be held against. The bus is scanned while the firmware
    /// runs.
    private mutating func gatherFacts() {
        facts.usableIOMMU = iommu != nil && tables.ecam != 0
        for core in 0..<tables.processorCount {
            var lowest = 0
            while !tables.topology.areSiblings(tables.apicIDs[lowest], tables.apicIDs[core]) { lowest += 1 }
            facts.siblings[core] = UInt8(lowest)
        }
        let bus = tables.bus
        var groups = IsolationGroups()
        BusScan(bus).forEach { function in
            groups.add(function, on: bus)
            facts.functions.append(describe(function, groups))
        }
        for i in 0..<facts.functions.count { complete(i, groups) }
    }

    private func describe(
        _ function: borrowing FunctionDescription, _ groups: borrowing IsolationGroups
    ) -> FunctionFacts {
        let bus = tables.bus
        var found = FunctionFacts()
        found.address = FunctionAddress(requester: function.requester)
        found.vendor = function.vendor
        found.device = function.device
        found.classCode = function.classCode
        found.isBridge = function.isBridge
        found.bridge = function.bridge
        found.isReserved = remapping?.hasReservedMemory(function.requester) ?? false
        found.reset = FunctionFacts.Reset(rawValue: FunctionReset(bus).method(of: function).rawValue) ?? .none
        for bar in 0..<6 where function.bars[bar].kind != .none {
            found.barSizes[bar] = UInt8(function.bars[bar].size.trailingZeroBitCount)
            if function.bars[bar].kind == .port { found.barSizes[bar] |= 0x80 }
        }
        if groups.group(virtualFunctionsOf: function) != nil { found.virtualGroup = function.bridge }
        guard function.sriov != 0, let virtual = try? VirtualFunctions(of: function, on: bus) else { return found }
        found.virtualTotal = UInt16(truncatingIfNeeded: virtual.total)
        found.virtualOffset = virtual.offset
        found.virtualStride = virtual.stride
        found.virtualDevice = virtual.device
        return found
    }

    /// What is known once every function is. Where not all could be looked at, all make up one group.
    private mutating func complete(_ i: Int, _ groups: borrowing IsolationGroups) {
        var found = facts.functions.functions[i]
        var place = FunctionDescription()
        place.requester = found.address.requester
        place.bridge = found.bridge
        // Surer than a change of power states, in which some devices keep what they know.
        if found.reset != .functionLevel, groups.canResetBus(of: place) { found.reset = .bus }
        found.group = groups.isComplete ? groups.group(of: place.requester) : 0
        if let bridge = found.virtualGroup { found.virtualGroup = groups.isComplete ? groups.group(of: bridge) : 0 }
        facts.functions.replace(i, by: found)
    }
}
