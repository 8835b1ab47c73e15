import Manifest
import Resources
import Silicon
import X86

extension DiscoveredMachine {
    /// Caches, what divides them, and keys for memory.
    mutating func gatherResources(_ vendor: Vendor) {
        var packages: UInt64 = 0
        let last = CacheSharing.bits(level: 0, vendor, native: resourceCPUID)
        let second = CacheSharing.bits(level: 2, vendor, native: resourceCPUID)
        for core in 0..<tables.processorCount {
            let id = tables.apicIDs[core]
            packages |= 1 << UInt64(tables.topology.package(of: id) & 63)
            facts.lastLevelCaches[core] = lowest(like: core, last)
            facts.secondLevelCaches[core] = lowest(like: core, second)
        }
        facts.resources = ResourceCapabilities(vendor, native: resourceCPUID)
        facts.memoryKeys = MemoryKeys(
            vendor, packages: tables.isCut ? 2 : packages.nonzeroBitCount, native: resourceCPUID
        ) {
            cpu_rdmsr($0)
        }
    }

    func lowest(like core: Int, _ bits: UInt32) -> UInt8 {
        for other in 0..<core where tables.apicIDs[other] >> bits == tables.apicIDs[core] >> bits {
            return UInt8(other)
        }
        return UInt8(core)
    }
}

/// The silicon's answer; with faults to inject, that of a record where the test asks for one.
func resourceCPUID(_ leaf: UInt32, _ subleaf: UInt32) -> CPUIDRegisters {
    #if FAULT_INJECTION
        if let claim = BootFault.claim(leaf, subleaf) { return claim }
    #endif
    return nativeCPUID(leaf, subleaf)
}
