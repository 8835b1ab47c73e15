/// What protects a core and is read back from it. The raw values are bits of a `ProtectionReport` and travel on the
/// management link: they never change.
///
/// - `cr0`, `cr3`, `cr4`: paging, write protection, caches; the root of the core's own tables.
/// - `efer`: NX and, on AMD, SVME. `memoryTypes`: PAT entries 0 (write-back) and 3 (uncached), which the core's own tables use.
/// - `localAPIC`: APIC_BASE: on, in x2APIC mode, where it belongs. `virtualization`: VM_CR, or IA32_FEATURE_CONTROL.
/// - `exitState`: VM_HSAVE_PA; Intel: what an exit loads, and the controls of exits and entries.
/// - `permissionMaps`: the addresses of the maps of ports and MSRs. `nestedTables`: on, and the partition's.
/// - `errata`: what is set against the processor's errata. `remapping`: every IOMMU translates, by our tables.
/// - `ownedBits`: Intel: bits of CR0 and CR4 that are not the guest's.
/// - `resources`: masks of caches, limits of bandwidth, the core's class, and that memory keys are on.
public enum ProtectionItem: UInt8, Sendable {
    case cr0, cr3, cr4, efer, memoryTypes, localAPIC, virtualization, exitState
    case intercepts, exceptionIntercepts, permissionMaps, nestedTables, addressSpace, ownedBits, errata, remapping
    case resources
}

/// What a core has read back, and what of it was not as it had been written.
public struct ProtectionReport: Sendable {
    /// As it travels: of items 0 to 15 those that were read, by their bits, from bit 16 on those that failed; from bits 32 and 48
    /// on the same of items 16 to 31. Never 0 once a core has read anything.
    public private(set) var word: UInt64
    public var read: UInt32 { UInt32(word & 0xFFFF | word >> 16 & 0xFFFF_0000) }
    public var failed: UInt32 { UInt32(word >> 16 & 0xFFFF | word >> 32 & 0xFFFF_0000) }

    public init(word: UInt64 = 0) { self.word = word }

    @inline(never)
    public mutating func check(_ item: ProtectionItem, _ value: UInt64, is expected: UInt64) {
        word |= (value == expected ? 1 : 0x1_0001) << UInt64(item.rawValue & 15 | (item.rawValue & 16) << 1)
    }
}
