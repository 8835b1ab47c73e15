import Manifest
import PCI
import Remapping
import Synchronization
import Text
import X86

/// What the machine has, found while the firmware runs. Nobody owns any of it yet.
struct DiscoveredMachine: ~Copyable {
    let tables: FirmwareTables
    /// TSC when the firmware started the hypervisor, and its ticks in a millisecond.
    let entryTSC: UInt64
    let tscKHz: UInt64
    /// Seconds since 1970-01-01 at that moment, 0 when the firmware has no clock.
    let bootTime: UInt64
    let memoryMap: FirmwareMemoryMap
    /// nil where the machine has none that is usable.
    var iommu: IOMMU?
    /// What was measured of this boot, and by whom.
    var measured: MeasuredBoot
    /// What the manifest is held against.
    var facts: MachineFacts
    /// A type with an atomic in it has an address: it is passed on without a copy of each field.
    private let pin = Atomic<Bool>(false)

    init(
        _ firmware: borrowing Firmware, _ vendor: Vendor, entryTSC: UInt64, bootTime: UInt64
    ) throws(Refusal) {
        let tables = try FirmwareTables(firmware, vendor), tscKHz = try ClockRate.kHz(tables)
        let memoryMap = try FirmwareMemoryMap(firmware), units = try IOMMU.find(tables)
        (self.entryTSC, self.tscKHz, self.bootTime) = (entryTSC, tscKHz, bootTime)
        self.tables = tables
        self.memoryMap = memoryMap
        iommu = units
        measured = MeasuredBoot(firmware)
        facts = MachineFacts(cores: CoreSet())
        facts.trust = measured.anchors
        facts.oldestVersion = measured.countedVersion
        facts.tpm = tables.tpm
        memoryMap.describe(in: &facts)
        let level = firmware.raiseLevel()
        gatherFacts(vendor)
        firmware.restoreLevel(level)
    }

    /// The remapping units, nil where none is usable, and the bytes of registers of each.
    var remapping: (vendor: RemappingVendor, units: RemappingTopology, bytes: UInt64)? {
        switch iommu {
        case .some(let iommu): (iommu.vendor, iommu.topology, iommu.features.registerBytes)
        case .none: nil
        }
    }
}

extension DiscoveredMachine {
    /// Threads, functions and isolation groups, for the manifest to be held against. The bus is scanned while the firmware
    /// runs.
    private mutating func gatherFacts(_ vendor: Vendor) {
        for core in 0..<tables.processorCount {
            facts.cores.insert(CoreSet(core: core))
            facts.siblings[core] = lowest(like: core, tables.topology.threadBits)
        }
        gatherResources(vendor)
        let units = remapping?.units
        // What is not listed cannot be told apart from what is.
        let isComplete = facts.functions.scan(
            tables.bus, alias: { units?.alias(of: $0) }, isReserved: { units?.isReserved($0) ?? false })
        facts.usableIOMMU = iommu?.features.remapsInterrupts ?? false && tables.ecam != 0 && isComplete
    }
}
