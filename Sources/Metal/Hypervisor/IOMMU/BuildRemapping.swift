import Manifest
import PCI
import Platform
import Remapping
import Resources
import Text

/// What brings interrupts and the IOMMU's faults to those whom they concern.
struct MachineInterrupts {
    /// Of each partition's functions, in the manifest's order.
    var blocks: [8 of [8 of InterruptBlock]] = .init(repeating: .init(repeating: .empty))
    /// What rings the housekeeping core when something comes over the link; nil where nothing can.
    var linkEntry: RedirectionEntry?
    var faultLog: Pointer<FaultLog>?
}

extension PlannedMachine {
    /// Takes the memory for what the manifest gives away; refuses what the machine's IOMMU cannot hold.
    mutating func prepareRemapping(_ firmware: borrowing Firmware) throws(Refusal) {
        var demand = RemappingDemand()
        for i in 0..<manifest.partitionCount where manifest.partitions[i].devices.count > 0 {
            let vcpus = manifest.partitions[i].cores.count, functions = manifest.partitions[i].devices.count
            // That there is one was checked with the manifest.
            guard vcpus <= machine.iommu?.features.maxVCPUs ?? 0 else {
                let name = manifest.partitions[i].name
                throw Refusal(LogLine("partition ", name, " has more cores than the IOMMU can interrupt"))
            }
            demand.domains += 1
            demand.functions += functions * 2
            demand.pairs += functions * vcpus
            demand.vcpus += vcpus
            demand.runs += 2
            demand.gibibytes += Int(manifest.partitions[i].memorySize >> 30) + 2
        }
        guard demand.pairs <= 255 else { throw Refusal("the manifest asks for more interrupts than an IOMMU has") }
        try machine.iommu?.allocate(demand, firmware)
        do throws(RemappingError) {
            switch machine.iommu?.vendor {
            case .vtd: try fillTables(RemappingVendor.Intel.self, demand)
            case .amdVi: try fillTables(RemappingVendor.AMD.self, demand)
            case nil: interrupts.linkEntry = .nmi(to: machine.tables.apicIDs[manifest.housekeeping])
            }
        } catch { throw IOMMU.refusal(error) }
    }

    /// What partitions own, in tables that no unit has been told of yet: whatever does not fit is refused while there is a
    /// firmware to return to. Until a function is silenced, it reaches its own partition's memory, which is cleared later.
    private mutating func fillTables<Hardware: RemappingHardware>(
        _: Hardware.Type, _ demand: RemappingDemand
    ) throws(RemappingError) {
        guard var tables = try machine.iommu?.makeTables(Hardware.self, demand) else { return }
        for i in 0..<manifest.partitionCount where manifest.partitions[i].devices.count > 0 {
            let key = machine.facts.memoryKeys.bits(of: manifest.memoryKey(of: i, on: machine.facts))
            let base = key.encode(memory.ranges[i].base), size = memory.ranges[i].size
            let low = min(size, GuestMemory.lowLimit)
            let runs: [2 of RemappingRun] = [
                (0, base, low),
                (GuestMemory.highBase, base + low, size - low),
            ]
            var apicIDs: [16 of UInt32] = .init(repeating: 0)
            var vcpuCount = 0
            for core in 0..<64 where manifest.partitions[i].cores.contains(CoreSet(core: core)) {
                apicIDs[vcpuCount] = machine.tables.apicIDs[core]
                vcpuCount += 1
            }
            let domain = try tables.makeDomain(
                Hardware.self, i, runs.span.extracting(0..<(size > low ? 2 : 1)), apicIDs, vcpuCount)
            for n in 0..<manifest.partitions[i].devices.count {
                // Virtual functions too, which answer later or never: the manifest says whose the id is.
                let requester = manifest.partitions[i].devices[n].address.requester
                let alias = owned.value[i * 8 + n].description.alias
                let block = try machine.iommu?.attach(Hardware.self, requester, alias: alias, to: domain, in: &tables)
                interrupts.blocks[i][n] = block ?? .empty
            }
        }
        let housekeeper = machine.tables.apicIDs[manifest.housekeeping]
        interrupts.linkEntry = machine.iommu?.routeLink(Hardware.self, to: housekeeper, in: tables)
    }

    /// Tells the units of what partitions own, once the firmware is gone.
    mutating func buildRemapping() throws(Refusal) -> MachineInterrupts {
        try machine.iommu?.perform(.invalidate)
        interrupts.faultLog = machine.iommu?.makeFaultLog(ticksPerSecond: max(machine.tscKHz, 1) * 1000)
        return interrupts
    }
}
